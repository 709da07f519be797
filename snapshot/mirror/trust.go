package mirror

import (
	"fmt"

	"solsnap/gossip/discovery"
	"solsnap/gossip/wire"
	"solsnap/snapshot"
)

// TrustConfig says whom to believe.
type TrustConfig struct {
	// Known are the known validators. With none, everybody is believed.
	Known []wire.Pubkey
	// Quorum is how many of them must announce an archive. Default 1.
	Quorum int
	// OnlyKnownRPC takes archives from nobody else, but for servers that the
	// configuration names.
	OnlyKnownRPC bool
}

// Trust remembers which archives the known validators have announced. It believes
// them as a joining Agave does (validator/src/bootstrap.rs,
// build_known_snapshot_hashes): the first hash of a slot counts, and who says
// another is not believed in that. Unlike Agave it remembers what was announced
// before, so that a server which is an interval behind is believed too. It is for
// one goroutine.
type Trust struct {
	config TrustConfig
	known  map[wire.Pubkey]bool
	heard  map[wire.Pubkey]bool
	fulls  []*vouched // as they were heard of first
}

// vouched is a full archive, who has announced it, and what on it.
type vouched struct {
	name         snapshot.Name
	by           map[wire.Pubkey]bool
	incrementals []*vouched // of a full one
}

// What is remembered of each cluster's history. A full archive is announced for
// half a day, and an incremental for a minute.
const (
	maxFulls        = 16
	maxIncrementals = 1024
)

// NewTrust has heard nobody.
func NewTrust(c TrustConfig) *Trust {
	t := &Trust{config: c, known: map[wire.Pubkey]bool{}, heard: map[wire.Pubkey]bool{}}
	if t.config.Quorum == 0 {
		t.config.Quorum = 1
	}
	for _, key := range c.Known {
		t.known[key] = true
	}
	return t
}

// ConflictError means that a known validator announces another hash than one
// before it. One of the two lies, is broken, or is on a fork.
type ConflictError struct {
	Peer      wire.Pubkey
	Got, Have snapshot.Name
}

// Error names both.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("known validator %s announces %s, but %s was announced first: it is not believed in this", e.Peer, e.Got, e.Have)
}

// Hear takes what a peer announces. Who is not known says nothing. A
// *ConflictError tells what was not believed.
func (t *Trust) Hear(peer wire.Pubkey, s *discovery.Stream) error {
	if !t.known[peer] {
		return nil
	}
	t.heard[peer] = true
	full, err := vouch(&t.fulls, peer, fullName(s), maxFulls)
	if err != nil || s.Incremental == nil {
		return err
	}
	_, err = vouch(&full.incrementals, peer, incrementalName(s), maxIncrementals)
	return err
}

// vouch notes who has announced an archive, and forgets the first when there are
// too many.
func vouch(all *[]*vouched, peer wire.Pubkey, name snapshot.Name, most int) (*vouched, error) {
	for _, v := range *all {
		if v.name == name {
			v.by[peer] = true
			return v, nil
		}
		if v.name.Slot == name.Slot {
			return nil, &ConflictError{Peer: peer, Got: name, Have: v.name}
		}
	}
	v := &vouched{name: name, by: map[wire.Pubkey]bool{peer: true}}
	*all = append(*all, v)
	if len(*all) > most {
		*all = (*all)[1:]
	}
	return v, nil
}

// Heard is how many of the known validators have announced anything.
func (t *Trust) Heard() int { return len(t.heard) }

// Known reports whether a peer is a known validator.
func (t *Trust) Known(peer wire.Pubkey) bool { return t.known[peer] }

// Vouches reports whether an archive may be believed, and if not, why. An
// incremental one is that on the full archive full.
func (t *Trust) Vouches(full, name snapshot.Name) Reason {
	if len(t.known) == 0 {
		return Accepted
	}
	v, reason := t.look(t.fulls, full)
	if name.Kind == snapshot.Full || v == nil {
		return reason
	}
	_, reason = t.look(v.incrementals, name)
	return reason
}

func (t *Trust) look(all []*vouched, name snapshot.Name) (*vouched, Reason) {
	for _, v := range all {
		switch {
		case v.name == state(name) && len(v.by) < t.config.Quorum:
			return v, NoQuorum
		case v.name == state(name):
			return v, Accepted
		case v.name.Slot == name.Slot:
			return nil, Conflict
		}
	}
	return nil, Unvouched
}
