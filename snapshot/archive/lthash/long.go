package lthash

import "lukechampine.com/blake3/guts"

// cvSize is the length of a chaining value.
const cvSize = 32

// longQueue is where the chunks of messages of 2 to 16 chunks wait, and then
// their chaining values, until those of an account are complete. Both leave in
// the order in which they came.
type longQueue struct {
	n       int // lanes taken
	size    [lanes]int
	counter [lanes]uint32
	in      [lanes * guts.ChunkSize]byte

	// accounts is how many accounts are incomplete, and chunks how many chunks
	// each has. The last may be on its way in; every other has a chunk in a lane.
	accounts int
	chunks   [lanes + 1]int

	// ready is how many chaining values there are: of the first account, and
	// beyond it only within hashChunks. The kernel reads sixteen pairs, taken or
	// not, from any of them on.
	ready int
	cvs   [4 * lanes * cvSize]byte
}

// addLong takes a message of 2 to 16 chunks.
func (p *pool) addLong(a *Account, size int) {
	q := &p.long
	q.chunks[q.accounts] = (size + guts.ChunkSize - 1) / guts.ChunkSize
	q.accounts++
	for offset := 0; offset < size; offset += guts.ChunkSize {
		a.copyMessage(q.next(min(size-offset, guts.ChunkSize), offset/guts.ChunkSize), offset)
		if q.n == lanes {
			p.hashChunks()
		}
	}
}

// next is the lane for a chunk. What is behind it, to the end of its last block,
// is zero.
func (q *longQueue) next(size, counter int) []byte {
	lane := q.in[q.n*guts.ChunkSize:][:guts.ChunkSize]
	clear(lane[size : blocksOf(size)*guts.BlockSize])
	q.size[q.n] = size
	q.counter[q.n] = uint32(counter)
	q.n++
	return lane[:size]
}

// hashChunks makes chaining values of the chunks, and roots of all accounts that
// are complete with them.
func (p *pool) hashChunks() {
	q := &p.long
	p.batch.begin(0)
	p.batch.counter = q.counter
	for block := range guts.ChunkSize / guts.BlockSize {
		active := q.setBlock(&p.batch, block)
		p.kernel.compress(&p.batch, q.in[block*guts.BlockSize:], guts.ChunkSize, active)
	}
	for lane := range q.n {
		p.batch.putCV(q.cvs[(q.ready+lane)*cvSize:], lane)
	}
	q.ready += q.n
	q.n = 0
	p.finishLong()
}

// setBlock sets lengths and flags for one block of each chunk, and tells which
// lanes have it.
func (q *longQueue) setBlock(b *batch, block int) (active uint32) {
	for lane := range q.n {
		rest := q.size[lane] - block*guts.BlockSize
		if rest <= 0 {
			continue
		}
		active |= 1 << lane
		b.length[lane] = uint32(min(rest, guts.BlockSize))
		b.flags[lane] = 0
		if block == 0 {
			b.flags[lane] |= guts.FlagChunkStart
		}
		if rest <= guts.BlockSize {
			b.flags[lane] |= guts.FlagChunkEnd
		}
	}
	return active
}

// finishLong passes on the accounts that have all their chaining values.
func (p *pool) finishLong() {
	q := &p.long
	account, first := 0, 0
	for account < q.accounts && q.ready-first >= q.chunks[account] {
		p.addRoot(p.merge(q.cvs[first*cvSize:], q.chunks[account]))
		first += q.chunks[account]
		account++
	}
	copy(q.cvs[:], q.cvs[first*cvSize:q.ready*cvSize])
	q.ready -= first
	copy(q.chunks[:], q.chunks[account:q.accounts])
	q.accounts -= account
}

// merge returns the block of the root above n chaining values, 2 to 16, which it
// overwrites.
func (p *pool) merge(cvs []byte, n int) *[guts.BlockSize]byte {
	for n > 2 {
		p.batch.begin(guts.FlagParent)
		p.kernel.compress(&p.batch, cvs, guts.BlockSize, 1<<(n/2)-1)
		for pair := range n / 2 {
			p.batch.putCV(cvs[pair*cvSize:], pair)
		}
		if n%2 == 1 { // the odd one rises as it is
			copy(cvs[n/2*cvSize:], cvs[(n-1)*cvSize:n*cvSize])
		}
		n = (n + 1) / 2
	}
	return (*[guts.BlockSize]byte)(cvs)
}
