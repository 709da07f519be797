package wire

import (
	"fmt"
	"math"
)

// maxVoteIndex is the limit for those who parse. Senders use 12 indices (Agave
// gossip/src/crds_data.rs, MAX_VOTES).
const maxVoteIndex = 32

// Vote is one of the last vote transactions of a validator.
type Vote struct {
	Index uint8 // below 32
	From  Pubkey
	// Transaction is a legacy transaction whose first instruction votes. Its own
	// signatures are not verified by gossip.
	Transaction []byte
	Wallclock   uint64
}

// Label is that of the node and the index.
func (v *Vote) Label() Label { return Label{Kind: KindVote, Index: uint16(v.Index), Origin: v.From} }

// When is the wallclock.
func (v *Vote) When() uint64 { return v.Wallclock }

func (v *Vote) walk(c *codec) {
	c.uint8("index", &v.Index)
	c.below("index", uint64(v.Index), maxVoteIndex)
	c.array("from", v.From[:])
	v.walkTransaction(c)
	c.wallclock(&v.Wallclock)
}

func (v *Vote) walkTransaction(c *codec) {
	if c.writing {
		r := Modern.reader(v.Transaction)
		r.voteTransaction()
		if err := r.finish(); err != nil {
			c.fail("transaction", err)
		}
		c.buf = append(c.buf, v.Transaction...)
		return
	}
	start := c.at
	c.enter("transaction", -1)
	c.voteTransaction()
	c.leave()
	v.Transaction = c.buf[start:c.at:c.at]
}

// voteProgram is Vote111111111111111111111111111111111111111.
var voteProgram = Pubkey{
	0x07, 0x61, 0x48, 0x1d, 0x35, 0x74, 0x74, 0xbb, 0x7c, 0x4d, 0x76, 0x24, 0xeb, 0xd3, 0xbd, 0xb3,
	0xd8, 0x35, 0x5e, 0x73, 0xd1, 0x10, 0x43, 0xfc, 0x0d, 0xa3, 0x53, 0x80, 0x00, 0x00, 0x00, 0x00,
}

// voteInstruction reads the data of an instruction of the vote program, which
// must vote. More may follow. The variants are those of Agave's crate
// solana-vote-interface, VoteInstruction.
func (c *codec) voteInstruction() {
	var tag uint32
	c.uint32("tag", &tag)
	switch tag {
	case 2, 6: // Vote, VoteSwitch
		c.take("slots", 8*c.count("slots", 8, 0))
		c.skipHash("hash")
		c.skipTimestamp()
	case 8, 9: // UpdateVoteState, UpdateVoteStateSwitch
		c.take("lockouts", 12*c.count("lockouts", 12, 0))
		c.skipOptional("root")
		c.skipHash("hash")
		c.skipTimestamp()
	case 12, 13, 14, 15: // CompactUpdateVoteState, TowerSync, and the same with Switch
		c.compactLockouts()
		c.skipHash("hash")
		c.skipTimestamp()
	default:
		c.fail("tag", fmt.Errorf("%d, want that of a vote", tag))
	}
	if tag == 14 || tag == 15 {
		c.skipHash("block_id")
	}
	if tag == 6 || tag == 9 || tag == 13 || tag == 15 {
		c.skipHash("switch_proof")
	}
}

// compactLockouts reads a root and the distances of lockouts from it. The slots
// that they add up to must fit their type.
func (c *codec) compactLockouts() {
	var slot, offset uint64
	var confirmations uint8
	c.uint64("root", &slot)
	if slot == math.MaxUint64 { // none
		slot = 0
	}
	for range c.shortCount("lockout_offsets", 2, 0) {
		c.varint64("offset", &offset)
		c.uint8("confirmation_count", &confirmations)
		if slot+offset < slot {
			c.fail("offset", fmt.Errorf("slot %d + %d, want at most %d", slot, offset, uint64(math.MaxUint64)))
			return
		}
		slot += offset
	}
}

func (c *codec) skipHash(name string) { c.take(name, len(Hash{})) }

func (c *codec) skipTimestamp() { c.skipOptional("timestamp") }

// skipOptional reads a number behind an Option tag.
func (c *codec) skipOptional(name string) {
	var some bool
	if c.bool(name, &some); some {
		c.take(name, 8)
	}
}
