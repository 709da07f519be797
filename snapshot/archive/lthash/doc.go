// Package lthash computes the accounts lattice hash: one value of 2048 bytes
// that commits to every account of a bank, in any order (SIMD-0215; Agave's
// accounts-db/src/accounts_db.rs, lt_hash_account, and its lattice-hash crate).
// A snapshot's hash is the Checksum of it.
//
// An account's own hash is 2048 bytes of BLAKE3 output over its fields, and the
// hash of many accounts is the sum of theirs, word by word. So accounts can be
// hashed by as many goroutines as there are cores, each into a Sum of its own,
// and a replaced account is taken out again by subtraction.
//
// BLAKE3 spends most of its time making the 32 output blocks, and a small
// account is too short to keep a vector unit busy with its input. A Sum
// therefore waits until it has sixteen accounts of a size and hashes them side
// by side; it never writes an account's hash down, but adds the output blocks to
// the total where they are made.
package lthash
