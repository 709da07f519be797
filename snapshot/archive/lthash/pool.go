package lthash

import "lukechampine.com/blake3/guts"

// pool hashes accounts side by side. Until there are enough of a kind they wait
// in it:
//
//   - A message of one chunk, up to 1024 bytes, waits for others with as many
//     blocks. Nearly all accounts are here.
//   - A longer one is cut into chunks, which wait for chunks of any account, and
//     then its root waits for other roots.
//   - Above sixteen chunks a message keeps the lanes busy by itself, and only its
//     root waits.
type pool struct {
	sum    Hash // in the kernel's order
	batch  batch
	kernel *kernel
	short  [guts.ChunkSize/guts.BlockSize + 1]queue // by the number of blocks
	long   longQueue
	huge   hugeMessage
	roots  queue // of trees: parent nodes
}

// minBlocks is how many blocks the shortest message has. The last is never the
// first, then, and the flags of the two are apart.
const minBlocks = (headSize + tailSize + guts.BlockSize - 1) / guts.BlockSize

func newPool(k *kernel) *pool {
	p := &pool{kernel: k, roots: newQueue(1)}
	for blocks := minBlocks; blocks < len(p.short); blocks++ {
		p.short[blocks] = newQueue(blocks)
	}
	return p
}

// add hashes the account, now or later.
func (p *pool) add(a *Account) {
	if a.Lamports == 0 {
		return
	}
	size := a.messageSize()
	switch {
	case size <= guts.ChunkSize:
		p.addShort(a, size)
	case size <= lanes*guts.ChunkSize:
		p.addLong(a, size)
	default:
		p.addHuge(a, size)
	}
}

func (p *pool) addShort(a *Account, size int) {
	q := &p.short[blocksOf(size)]
	a.putMessage(q.next(size))
	if q.n == lanes {
		p.hashShort(q)
	}
}

// hashShort compresses the blocks before the last, and mixes in the roots, which
// are the last.
func (p *pool) hashShort(q *queue) {
	p.batch.begin(guts.FlagChunkStart)
	last := q.stride - guts.BlockSize
	for offset := 0; offset < last; offset += guts.BlockSize {
		p.kernel.compress(&p.batch, q.in[offset:], q.stride, 1<<lanes-1)
		p.batch.flags = [lanes]uint32{}
	}
	p.batch.length = q.last
	p.batch.setFlags(guts.FlagChunkEnd | guts.FlagRoot)
	p.kernel.mix(&p.sum, &p.batch, q.in[last:], q.stride, q.n)
	q.n = 0
}

// addRoot mixes in a message of several chunks, now or later. The block is that
// of its root: the chaining values of the two halves.
func (p *pool) addRoot(block *[guts.BlockSize]byte) {
	copy(p.roots.next(guts.BlockSize), block[:])
	if p.roots.n == lanes {
		p.hashRoots()
	}
}

func (p *pool) hashRoots() {
	p.batch.begin(guts.FlagParent | guts.FlagRoot)
	p.kernel.mix(&p.sum, &p.batch, p.roots.in, p.roots.stride, p.roots.n)
	p.roots.n = 0
}

// total hashes whoever waits and returns the hash of all.
func (p *pool) total() Hash {
	for i := range p.short {
		if q := &p.short[i]; q.n > 0 {
			p.hashShort(q)
		}
	}
	p.hashLong()
	p.hashRoots()
	return p.kernel.untangle(&p.sum)
}

// queue is where messages with the same number of blocks wait, each in its lane.
type queue struct {
	n      int           // lanes taken
	stride int           // bytes of a lane: whole blocks
	last   [lanes]uint32 // bytes of each lane's last block
	in     []byte        // the lanes; what is after n is left over and hashed in vain
}

func newQueue(blocks int) queue {
	return queue{stride: blocks * guts.BlockSize, in: make([]byte, lanes*blocks*guts.BlockSize)}
}

// next is the lane for a message of the size, which must have the queue's number
// of blocks. What is behind the message is zero.
func (q *queue) next(size int) []byte {
	lane := q.in[q.n*q.stride:][:q.stride]
	clear(lane[size:])
	q.last[q.n] = uint32(size - (q.stride - guts.BlockSize))
	q.n++
	return lane
}

// blocksOf is how many blocks hold size bytes.
func blocksOf(size int) int { return (size + guts.BlockSize - 1) / guts.BlockSize }
