package lthash

import (
	"encoding/binary"

	"lukechampine.com/blake3/guts"
)

// Account is what the lattice hash covers of an account. Rent epoch, write
// version and slot are not covered.
type Account struct {
	// Lamports of 0 say that the account does not exist; its hash is the
	// identity, whatever the other fields hold.
	Lamports   uint64
	Data       []byte // only read, and not kept
	Executable bool
	Owner      [32]byte
	Pubkey     [32]byte
}

// The account's message, which BLAKE3 hashes: lamports, data without its length,
// and then, together the tail, one byte that is 1 for an executable account, owner
// and pubkey.
const (
	headSize = 8
	tailSize = 1 + 32 + 32
)

// messageSize is the length of the account's message.
func (a *Account) messageSize() int { return headSize + len(a.Data) + tailSize }

// putMessage writes the whole message to the beginning of b.
func (a *Account) putMessage(b []byte) {
	binary.LittleEndian.PutUint64(b, a.Lamports)
	n := headSize + copy(b[headSize:], a.Data)
	a.putTail((*[tailSize]byte)(b[n:]))
}

func (a *Account) putTail(b *[tailSize]byte) {
	b[0] = 0
	if a.Executable {
		b[0] = 1
	}
	*(*[32]byte)(b[1:]) = a.Owner
	*(*[32]byte)(b[33:]) = a.Pubkey
}

// copyMessage fills b with the message from the offset on, as far as it goes.
func (a *Account) copyMessage(b []byte, offset int) {
	var head [headSize]byte
	binary.LittleEndian.PutUint64(head[:], a.Lamports)
	var tail [tailSize]byte
	a.putTail(&tail)
	for _, part := range [...][]byte{head[:], a.Data, tail[:]} {
		if offset >= len(part) {
			offset -= len(part)
			continue
		}
		b = b[copy(b, part[offset:]):]
		offset = 0
	}
}

// stage fills size bytes of b with the message from the offset on, and what is
// left of the last block with zeros.
func (a *Account) stage(b []byte, size, offset int) {
	a.copyMessage(b[:size], offset)
	clear(b[size : blocksOf(size)*guts.BlockSize])
}

// Of is the lattice hash of one account. For many, use a Sum.
func Of(a *Account) Hash {
	if a.Lamports == 0 {
		return Hash{}
	}
	return expand(root(a))
}

// expand is the output of a BLAKE3 root node, as far as a Hash needs it.
func expand(root guts.Node) Hash {
	var out [Size]byte
	root.Counter = 0
	guts.CompressBlocks((*[Size / 2]byte)(out[:]), root)
	root.Counter = guts.MaxSIMD
	guts.CompressBlocks((*[Size / 2]byte)(out[Size/2:]), root)
	return FromBytes(&out)
}
