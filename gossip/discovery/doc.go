// Package discovery is the directory of peers: one live list of who has which
// snapshot, fed by the fleet, by Solana gossip and by configured origins.
//
// An entry that its peer signed is replicated: the nodes of a fleet announce
// theirs, exchange catalogs and take leave (Worker). An entry without signature,
// learned from elsewhere, stays here, and gives way to a signed one of the same
// peer. A Directory keeps both, and hands out catalogs that never change.
//
// Nothing here opens a socket. Messages are bytes in, bytes out; a Transport
// that the caller supplies carries them.
package discovery
