package wire

import (
	"errors"
	"fmt"
)

// header is how many of a transaction's keys sign, and how many of those that do
// and that do not are only read.
type header struct {
	required, readonlySigned, readonlyUnsigned uint8
}

// voteTransaction reads a legacy transaction whose first instruction votes. What
// it refuses, Agave refuses when it parses a Vote (gossip/src/crds_data.rs and
// the crate solana-transaction, sanitize).
func (c *codec) voteTransaction() {
	signatures := c.shortCount("signatures", len(Signature{}), 0)
	c.take("signatures", signatures*len(Signature{}))
	var h header
	c.uint8("num_required_signatures", &h.required)
	c.uint8("num_readonly_signed_accounts", &h.readonlySigned)
	c.uint8("num_readonly_unsigned_accounts", &h.readonlyUnsigned)
	n := c.shortCount("account_keys", len(Pubkey{}), 0)
	keys := c.take("account_keys", n*len(Pubkey{}))
	c.checkHeader(h, signatures, n)
	c.skipHash("recent_blockhash")
	instructions := c.shortCount("instructions", 3, 0)
	if instructions == 0 {
		c.fail("instructions", errNoInstruction)
	}
	for i := range instructions {
		c.instruction(keys, i == 0)
	}
}

// errNoInstruction means that a vote does not vote.
var errNoInstruction = errors.New("transaction without instructions")

func (c *codec) checkHeader(h header, signatures, keys int) {
	switch {
	case int(h.required) > signatures || signatures > keys:
		c.fail("signatures", fmt.Errorf("%d of %d keys, want %d", signatures, keys, h.required))
	case int(h.required)+int(h.readonlyUnsigned) > keys:
		c.fail("account_keys", fmt.Errorf("%d, want at least %d that sign and %d that do not", keys, h.required, h.readonlyUnsigned))
	case h.readonlySigned >= h.required:
		c.fail("num_readonly_signed_accounts", fmt.Errorf("%d, want below %d", h.readonlySigned, h.required))
	}
}

// instruction reads an instruction, which must vote if it is the first.
func (c *codec) instruction(keys []byte, first bool) {
	var program uint8
	var accounts, data []byte
	c.uint8("program_id_index", &program)
	c.shortBytes("accounts", &accounts)
	c.shortBytes("data", &data)
	n := len(keys) / len(Pubkey{})
	if program == 0 || int(program) >= n {
		c.fail("program_id_index", fmt.Errorf("%d, want above 0 and below %d", program, n))
		return
	}
	for _, account := range accounts {
		if int(account) >= n {
			c.fail("accounts", fmt.Errorf("%d, want below %d", account, n))
		}
	}
	if first {
		c.checkVote(Pubkey(keys[int(program)*len(Pubkey{}):][:len(Pubkey{})]), accounts, data)
	}
}

func (c *codec) checkVote(program Pubkey, accounts, data []byte) {
	if program != voteProgram {
		c.fail("program_id_index", fmt.Errorf("program %v, want %v", program, voteProgram))
	}
	if len(accounts) == 0 {
		c.fail("accounts", errNoVoteAccount)
	}
	whole, end := c.buf, c.at
	c.buf, c.at = whole[:end], end-len(data) // the instruction ends where its data does
	c.enter("data", -1)
	c.voteInstruction()
	c.leave()
	c.buf, c.at = whole, end
}

// errNoVoteAccount means that nobody votes.
var errNoVoteAccount = errors.New("vote without a vote account")
