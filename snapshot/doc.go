// Package snapshot holds the vocabulary of Solana snapshots (slots, hashes,
// archive names, pairs) and the Store: the directory of archives, which of
// them are listed, which pair is served, and the bytes' digests.
//
// It knows nothing of HTTP, gossip, or what is inside an archive. The
// directories belong to the validator beside us, which writes, unlinks and
// recycles files as it likes: the Store only reads them, and vouches for no more
// than that the bytes of an open File are those of one listed archive.
package snapshot
