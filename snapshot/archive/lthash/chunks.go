package lthash

import "lukechampine.com/blake3/guts"

// chunks are BLAKE3 chunks, one in each lane before n, of which one that ends a
// message may be short.
type chunks struct {
	n       int
	size    [lanes]int
	counter [lanes]uint32 // its number in the message
	// shortest is how many blocks every chunk has. Between the first and the last
	// of these all blocks are alike.
	shortest int
}

// cvSize is the length of a chaining value.
const cvSize = 32

// chunksOf is how many chunks hold size bytes.
func chunksOf(size int) int { return (size + guts.ChunkSize - 1) / guts.ChunkSize }

// add takes the next lane for the chunk at the offset of its message.
func (c *chunks) add(size, offset int) {
	if blocks := blocksOf(size); c.n == 0 || blocks < c.shortest {
		c.shortest = blocks
	}
	c.size[c.n] = size
	c.counter[c.n] = uint32(offset / guts.ChunkSize)
	c.n++
}

// setBlock sets lengths and flags for one block of each chunk, and tells which
// lanes have it.
func (c *chunks) setBlock(b *batch, block int) (active uint32) {
	if 1 < block && block < c.shortest-1 {
		return 1<<c.n - 1
	}
	for lane := range c.n {
		rest := c.size[lane] - block*guts.BlockSize
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

// hashChunks writes the chaining value of each chunk to cvs. The lanes are in in,
// from chunk to chunk.
func (p *pool) hashChunks(c *chunks, in, cvs []byte) {
	p.batch.begin(0)
	p.batch.counter = c.counter
	for block := range guts.ChunkSize / guts.BlockSize {
		active := c.setBlock(&p.batch, block)
		if active == 0 {
			break
		}
		p.kernel.compress(&p.batch, in[block*guts.BlockSize:], guts.ChunkSize, active)
	}
	for lane := range c.n {
		p.batch.putCV(cvs[lane*cvSize:], lane)
	}
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
