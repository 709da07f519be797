// Package wire is the codec of Solana's gossip: it turns datagrams into
// messages, and messages into datagrams. It knows every message, every CRDS
// value, the Bloom filters of pull requests, and the few bytes of IP echo.
//
// It is pure: bytes come in, values go out. It knows no socket, clock or source
// of randomness; wallclocks, tokens and random numbers are the caller's.
//
// What Decode returns is parsed, not verified: anybody can send anything. A
// Value becomes Verified by Verify or Sign, and by nothing else. Signatures and
// hashes are those of the bytes that arrived, and those are what is relayed;
// nothing is encoded a second time.
//
// Decode is as strict as the strictest node on the network (Agave 4.3 and
// Firedancer of 2026), since a packet with one value that another node refuses
// is lost for that node as a whole.
//
// The layout is that of Agave gossip/src/protocol.rs and crds_data.rs: bincode,
// so every integer is little-endian, every tag of an enum a u32, every count a
// u64, unless a field is a varint or a short vector. Times are milliseconds
// since 1970 where nothing else is said.
package wire
