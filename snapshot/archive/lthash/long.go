package lthash

import "lukechampine.com/blake3/guts"

// longQueue is where the chunks of messages of 2 to 16 chunks wait, and then
// their chaining values, until those of an account are complete. Both leave in
// the order in which they came.
type longQueue struct {
	waiting chunks
	in      [lanes * guts.ChunkSize]byte

	// accounts is how many accounts are incomplete, and counts how many chunks
	// each has. The last may be on its way in; every other has a chunk in a lane.
	accounts int
	counts   [lanes + 1]int

	// ready is how many chaining values there are: of the first account, and
	// beyond it only within hashLong.
	ready int
	cvs   [2*lanes*cvSize + cvSlack]byte
}

// cvSlack is room behind the last chaining value: to merge any, the kernel reads
// sixteen pairs.
const cvSlack = lanes * guts.BlockSize

// addLong takes a message of 2 to 16 chunks.
func (p *pool) addLong(a *Account, size int) {
	q := &p.long
	q.counts[q.accounts] = chunksOf(size)
	q.accounts++
	for offset := 0; offset < size; offset += guts.ChunkSize {
		n := min(size-offset, guts.ChunkSize)
		a.stage(q.in[q.waiting.n*guts.ChunkSize:], n, offset)
		q.waiting.add(n, offset)
		if q.waiting.n == lanes {
			p.hashLong()
		}
	}
}

// hashLong makes chaining values of the chunks, and roots of all accounts that are
// complete with them.
func (p *pool) hashLong() {
	q := &p.long
	p.hashChunks(&q.waiting, q.in[:], q.cvs[q.ready*cvSize:])
	q.ready += q.waiting.n
	q.waiting.n = 0
	p.finishLong()
}

// finishLong passes on the accounts that have all their chaining values.
func (p *pool) finishLong() {
	q := &p.long
	account, first := 0, 0
	for account < q.accounts && q.ready-first >= q.counts[account] {
		p.addRoot(p.merge(q.cvs[first*cvSize:], q.counts[account]))
		first += q.counts[account]
		account++
	}
	copy(q.cvs[:], q.cvs[first*cvSize:q.ready*cvSize])
	q.ready -= first
	copy(q.counts[:], q.counts[account:q.accounts])
	q.accounts -= account
}
