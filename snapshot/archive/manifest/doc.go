// Package manifest is the codec of the bank manifest, the file
// snapshots/<slot>/<slot> of a snapshot archive, and of the status cache beside
// it; and it knows what follows from them: the epoch, the bank hash, the shred
// version, the state of each vote account, the leader schedule.
//
// It is pure: an io.Reader comes in, values go out. It knows no file, socket or
// clock, and it does not decompress.
//
// What Decode returns is parsed, not verified. The bank hash covers the accounts
// lattice hash, the parent's hash, the signature count and the last blockhash;
// nothing covers the stakes, the epoch stakes or the status cache.
//
// The layout is that of Agave runtime/src/serde_snapshot.rs: bincode, so every
// integer is little-endian and of fixed width, every count a u64, every tag of a
// bool or an Option one byte.
package manifest
