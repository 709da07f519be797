package wire

import (
	"math"
	"slices"
	"testing"
)

// tx describes a transaction, in parts that a test can spoil.
type tx struct {
	signatures                 int
	required, signed, unsigned uint8
	keys                       []Pubkey
	program                    uint8
	accounts                   []byte
	data                       []byte
	more                       func(*codec) // instructions after the first
	instructions               int
}

func goodTx() tx {
	return tx{signatures: 1, required: 1, unsigned: 1, keys: []Pubkey{{1}, {2}, voteProgram}, program: 2,
		accounts: []byte{1, 0}, data: vote(14, 1<<40), instructions: 1}
}

// encode writes the transaction, right or wrong.
func (x tx) encode() []byte {
	c := Modern.writer(nil)
	c.shortCount("", 1, x.signatures)
	c.buf = append(c.buf, make([]byte, 64*x.signatures)...)
	c.buf = append(c.buf, x.required, x.signed, x.unsigned)
	shortList(c, "", 32, &x.keys)
	c.buf = append(c.buf, make([]byte, 32)...)
	c.shortCount("", 1, x.instructions)
	if x.instructions > 0 {
		c.uint8("", &x.program)
		c.shortBytes("", &x.accounts)
		c.shortBytes("", &x.data)
	}
	if x.more != nil {
		x.more(c)
	}
	return c.buf
}

func madeTransaction() []byte { return goodTx().encode() }

// vote is the data of an instruction of the vote program, with two lockouts from
// a root on.
func vote(tag uint32, root uint64) []byte {
	c := Modern.writer(nil)
	c.uint32("", &tag)
	hash := make([]byte, 32)
	switch tag {
	case 2, 6:
		c.uint64s("", &[]uint64{root + 1, root + 2})
	case 8, 9:
		c.count("", 12, 2)
		c.buf = append(c.buf, make([]byte, 24)...)
		c.buf = append(c.buf, 1)
		c.uint64("", &root)
	default:
		c.uint64("", &root)
		c.buf = append(c.buf, 2, 1, 31, 0x80, 1, 30) // at distances 1 and 128
	}
	c.buf = append(c.buf, hash...)
	c.buf = append(c.buf, 1)
	c.uint64("", &root) // the time
	if tag == 14 || tag == 15 {
		c.buf = append(c.buf, hash...)
	}
	if tag == 6 || tag == 9 || tag == 13 || tag == 15 {
		c.buf = append(c.buf, hash...)
	}
	return c.buf
}

// TestVotingInstructions shows which instructions vote, that all of each is
// needed, and that more may follow.
func TestVotingInstructions(t *testing.T) {
	voting := map[uint32]bool{2: true, 6: true, 8: true, 9: true, 12: true, 13: true, 14: true, 15: true}
	for tag := range uint32(20) {
		data := vote(tag, 5)
		c := Modern.reader(data)
		c.voteInstruction()
		check(t, "taken", c.err == nil, voting[tag])
		if !voting[tag] {
			continue
		}
		check(t, "read", c.left(), 0)
		for n := range data {
			c := Modern.reader(data[:n])
			c.voteInstruction()
			checkError(t, c.err, "unexpected EOF")
		}
		x := goodTx()
		x.data = slices.Concat(data, []byte{1, 2, 3})
		checkTransaction(t, x, "")
	}
}

func checkTransaction(t *testing.T, x tx, want string) {
	t.Helper()
	c := Modern.reader(x.encode())
	c.voteTransaction()
	if want == "" {
		check(t, "error", c.finish(), nil)
	} else {
		checkError(t, c.finish(), want)
	}
}

func TestTransactionsThatAreNoVotes(t *testing.T) {
	second := func(program uint8, accounts ...byte) func(*codec) {
		return func(c *codec) {
			c.uint8("", &program)
			c.shortBytes("", &accounts)
			c.shortBytes("", &[]byte{})
		}
	}
	for name, tt := range map[string]struct {
		change func(*tx)
		want   string
	}{
		"good":                       {func(*tx) {}, ""},
		"two signers":                {func(x *tx) { x.signatures, x.required, x.signed = 2, 2, 1 }, ""},
		"more signatures than asked": {func(x *tx) { x.signatures = 3 }, ""},
		"second instruction":         {func(x *tx) { x.instructions, x.more = 2, second(1, 0, 1, 2) }, ""},
		"no root":                    {func(x *tx) { x.data = vote(12, math.MaxUint64) }, ""},
		"no instruction":             {func(x *tx) { x.instructions = 0 }, "without instructions"},
		"too few signatures":         {func(x *tx) { x.signatures = 0 }, "0 of 3 keys, want 1"},
		"more signatures than keys":  {func(x *tx) { x.signatures = 4 }, "4 of 3 keys"},
		"more signers than keys":     {func(x *tx) { x.signatures, x.required = 4, 4 }, "4 of 3 keys"},
		"keys in both parts":         {func(x *tx) { x.unsigned = 3 }, "want at least 1 that sign and 3"},
		"nobody pays":                {func(x *tx) { x.signed = 1 }, "num_readonly_signed_accounts at offset 165: 1, want below 1"},
		"no signer":                  {func(x *tx) { x.required = 0 }, "want below 0"},
		"payer as program":           {func(x *tx) { x.program = 0 }, "program_id_index"},
		"no such program":            {func(x *tx) { x.program = 3 }, "program_id_index"},
		"other program":              {func(x *tx) { x.program = 1 }, "want Vote111111111111111111111111111111111111111"},
		"no such account":            {func(x *tx) { x.accounts = []byte{1, 3} }, "accounts"},
		"no account":                 {func(x *tx) { x.accounts = nil }, "vote without a vote account"},
		"no such account later":      {func(x *tx) { x.instructions, x.more = 2, second(1, 3) }, "accounts"},
		"no such program later":      {func(x *tx) { x.instructions, x.more = 2, second(3) }, "program_id_index"},
		"no data":                    {func(x *tx) { x.data = nil }, "unexpected EOF"},
		"authorize":                  {func(x *tx) { x.data = vote(1, 0) }, "want that of a vote"},
		"slots above the last": {func(x *tx) { x.data = vote(12, math.MaxUint64-1) },
			"offset"},
	} {
		t.Run(name, func(t *testing.T) {
			x := goodTx()
			tt.change(&x)
			checkTransaction(t, x, tt.want)
		})
	}
}

// TestVoteTransactionOfFiredancer is a transaction alone.
func TestVoteTransactionOfFiredancer(t *testing.T) {
	b := fixture(t, "fd_vote_txn.bin")
	v := signed(t, &Vote{From: PubkeyOf(seeded(1)), Transaction: b})
	got, err := DecodeValue(v.Bytes())
	check(t, "error", err, nil)
	check(t, "transaction", string(got.Data().(*Vote).Transaction), string(b))
	for n := range b {
		_, err := Sign(seeded(1), &Vote{From: PubkeyOf(seeded(1)), Transaction: b[:n]})
		checkError(t, err, "transaction")
	}
}

// TestVoteProgram is spelled as Solana prints it.
func TestVoteProgram(t *testing.T) {
	check(t, "program", voteProgram.String(), "Vote111111111111111111111111111111111111111")
}
