package manifest

import "solsnap/snapshot"

// BlockhashQueue holds the blockhashes that a transaction may name.
type BlockhashQueue struct {
	// LastHashIndex counts the blockhashes since genesis, whose index is 0.
	LastHashIndex uint64
	// LastHash is nil only in a queue that has none.
	LastHash *snapshot.Hash
	Hashes   []Blockhash
	// MaxAge is how many blockhashes back the queue reaches: 300.
	MaxAge uint64
}

// Blockhash is one entry of the queue.
type Blockhash struct {
	Hash                 snapshot.Hash
	LamportsPerSignature uint64
	HashIndex            uint64
	// Timestamp is in Unix milliseconds.
	Timestamp uint64
}

func (q *BlockhashQueue) walk(c *codec) {
	uint64Field(c, "last_hash_index", &q.LastHashIndex)
	optional(c, "last_hash", &q.LastHash, func(h *snapshot.Hash) { c.array("last_hash", h[:]) })
	list(c, "hashes", 56, &q.Hashes, func(b *Blockhash) {
		c.array("hash", b.Hash[:])
		uint64Field(c, "lamports_per_signature", &b.LamportsPerSignature)
		uint64Field(c, "hash_index", &b.HashIndex)
		uint64Field(c, "timestamp", &b.Timestamp)
	})
	uint64Field(c, "max_age", &q.MaxAge)
}

// Age is how many blockhashes are newer than this one, or false when it is not
// in the queue. Agave takes transactions with an age of up to 150.
func (q *BlockhashQueue) Age(hash snapshot.Hash) (uint64, bool) {
	for _, b := range q.Hashes {
		if b.Hash == hash && b.HashIndex <= q.LastHashIndex {
			return q.LastHashIndex - b.HashIndex, true
		}
	}
	return 0, false
}
