package archive

import (
	"fmt"
	"strconv"
	"time"

	"solsnap/snapshot"
)

// Lamports is an amount. In JSON it is a decimal string, because amounts are above
// 2^53.
type Lamports uint64

// MarshalText prints the amount in decimal.
func (l Lamports) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(l), 10), nil }

// UnmarshalText reads what MarshalText prints.
func (l *Lamports) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err == nil {
		*l = Lamports(n)
	}
	return err
}

// Report is what a verification has proven.
type Report struct {
	Archive snapshot.Name
	// Base is the full archive that an incremental was verified with; nil if none.
	Base *snapshot.Name
	// Asked is the tier that was asked for, and Reached the highest that was proven.
	Asked, Reached Tier
	// Failure is why Reached is below Asked; nil if it is not.
	Failure *Failure
	// Warnings are oddities that prove nothing against the archive. Never nil.
	Warnings []string
	Figures  Figures
	Took     time.Duration
}

// Failure is the first thing that was found wrong.
type Failure struct {
	// Tier could not be proven.
	Tier Tier `json:"tier"`
	// Archive is the file name of the archive that it is about: that verified, or
	// its base.
	Archive string `json:"archive"`
	// Member is the tar member, and Offset the place in the uncompressed stream;
	// empty and -1 when the failure is about no one place.
	Member string `json:"member"`
	Offset int64  `json:"offset"`
	Reason string `json:"reason"`
}

// Error is the failure in a line.
func (f *Failure) Error() string {
	where := f.Archive
	if f.Member != "" {
		where += ", member " + f.Member
	}
	if f.Offset >= 0 {
		where += fmt.Sprintf(", byte %d of the tar stream", f.Offset)
	}
	return where + ": " + f.Reason
}

// Figures count what was read, of an incremental archive and its base together.
// Those from Live on are zero below TierAccounts.
type Figures struct {
	// CompressedBytes were read of the files, and Bytes are in their members.
	CompressedBytes int64 `json:"compressedBytes"`
	Bytes           int64 `json:"bytes"`
	Storages        int   `json:"storages"`
	// Records are account records; Tombstones are those of no lamports.
	Records    uint64 `json:"records"`
	Tombstones uint64 `json:"tombstones"`
	// Passes is how often the archives were read.
	Passes int `json:"passes"`
	// Live are the accounts that exist at the slot, with Lamports together.
	Live     uint64   `json:"live"`
	Lamports Lamports `json:"lamports"`
	// Superseded are the records that a newer one has replaced, SameSlot those
	// among them whose newer one is of the same slot.
	Superseded uint64 `json:"superseded"`
	SameSlot   uint64 `json:"supersededInSameSlot"`
}
