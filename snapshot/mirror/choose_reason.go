package mirror

import (
	"fmt"

	"solsnap/gossip/wire"
	"solsnap/snapshot"
)

// Reason is why something was refused.
type Reason uint8

// The reasons.
const (
	// Accepted is none.
	Accepted Reason = iota
	// NoAddress means that the peer does not say where to download from.
	NoAddress
	// Implausible is a slot that no cluster has.
	Implausible
	// NotKnown means that the peer is none of those from whom alone to download.
	NotKnown
	// Unvouched means that no known validator has announced the archive.
	Unvouched
	// NoQuorum means that too few of them have.
	NoQuorum
	// Conflict means that they have announced another of the same slot.
	Conflict
	// OtherSlot means that another slot was asked for.
	OtherSlot
	// Failed means that it was tried.
	Failed
)

var reasonWords = [...]string{"accepted", "no-address", "implausible-slot", "not-a-known-validator", "not-vouched-for", "no-quorum", "conflict", "other-slot", "failed"}

// String is for scripts: the words must not change.
func (r Reason) String() string {
	if int(r) >= len(reasonWords) {
		return "unknown"
	}
	return reasonWords[r]
}

// Untrusted reports whether the archive can be had, but is not believed.
func (r Reason) Untrusted() bool { return r >= NotKnown && r <= Conflict }

// Refusal is an archive that is not taken from a source.
type Refusal struct {
	Peer    wire.Pubkey
	URL     string // "" for one on the disk
	Archive snapshot.Name
	Reason  Reason
	// Err is how it Failed.
	Err error
}

// String is the refusal in words.
func (r *Refusal) String() string {
	switch r.Reason {
	case NoAddress:
		return "it names no address to download from"
	case Implausible:
		return fmt.Sprintf("no cluster has a slot %d", r.Archive.Slot)
	case NotKnown:
		return "it is no known validator"
	case Unvouched:
		return "no known validator has announced this archive"
	case NoQuorum:
		return "too few known validators have announced this archive"
	case Conflict:
		return "known validators have announced another hash for this slot"
	case OtherSlot:
		return "another slot was asked for"
	case Failed:
		return fmt.Sprintf("it failed: %v", r.Err)
	}
	return r.Reason.String()
}
