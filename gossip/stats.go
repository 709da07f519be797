package gossip

import (
	"solsnap/gossip/crds"
	"solsnap/gossip/wire"
)

// Verdict is what became of a packet or of a value that came in.
type Verdict uint8

// The verdicts. Those after Accepted are reasons not to.
const (
	// Accepted packets were acted upon; accepted values are new in the table.
	Accepted Verdict = iota
	// Duplicate is a value that we had.
	Duplicate
	// Stale is a value that we had something newer than.
	Stale
	// Unwanted is a value of a kind that is not kept in Light mode. Its hash is
	// remembered.
	Unwanted
	// Malformed packets break the rules of the wire.
	Malformed
	// Forged is what its origin did not sign. It costs the whole packet.
	Forged
	// WrongShredVersion is of another cluster or fork.
	WrongShredVersion
	// WrongTime has a wallclock too far from ours.
	WrongTime
	// Unknown values are of a node that we have no contact info of.
	Unknown
	// Unproved is what has to wait for a pong: who asks, or whose contact info it
	// is, has not shown that the address is theirs.
	Unproved
	// Misdirected is what was not meant for us, such as a pong to no ping of ours.
	Misdirected
	// Own is what came back from ourselves.
	Own
	// Limited is what a safety limit turned away.
	Limited
	// Unstaked is a value that only staked nodes may send.
	Unstaked
	verdicts // how many there are
)

var verdictNames = [verdicts]string{
	"accepted", "duplicate", "stale", "unwanted", "malformed", "forged", "wrong_shred_version", "wrong_time",
	"unknown", "unproved", "misdirected", "own", "limited", "unstaked",
}

// String is a word for metrics.
func (v Verdict) String() string { return verdictNames[v] }

const (
	protocols = int(wire.ProtocolPong) + 1
	kinds     = int(wire.KindRestartHeaviestFork) + 1
)

// Stats count what happened since the start. It is a copy.
type Stats struct {
	// PacketsIn count packets by their message and verdict. Those in which no
	// message was found count as malformed pull requests.
	PacketsIn [protocols][verdicts]uint64
	// ValuesIn count the values in pushes and pull responses.
	ValuesIn [kinds][verdicts]uint64
	// PacketsOut count packets by their message.
	PacketsOut        [protocols]uint64
	BytesIn, BytesOut uint64
	// Verified counts signature checks.
	Verified uint64
	// TooLong are datagrams that no message is as long as. Overflowed were dropped
	// by us because the loop was behind, Lost by the kernel, and Unreadable are reads
	// that failed. Unsent are counted above, and yet did not go out: the kernel
	// refused them, or had no room.
	TooLong, Overflowed, Lost, Unreadable, Unsent uint64
	// PrunesIn and PrunesOut count origins.
	PrunesIn, PrunesOut uint64
	Table               TableStats
}

// TableStats is how much the replicated table holds.
type TableStats = crds.Stats
