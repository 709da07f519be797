// Package gossip is a node of Solana's gossip network: it makes itself known,
// learns who else is there and which snapshots they serve, and announces its own.
//
// A Node owns the sockets and the goroutines. What it decides is decided by its
// engine, a state machine to which datagrams, the time and commands are handed
// and which hands datagrams back; only the engine knows the protocol, and only
// the Node's loop touches the engine. The replicated table is package crds, the
// bytes are package wire.
//
// The behaviour is that of Agave 4.1 (gossip/src/cluster_info.rs) where nodes
// would notice a difference. A Node in Light mode keeps the contact infos and
// snapshot hashes of the cluster and remembers of everything else only that it
// exists; one in Full mode keeps and relays everything, and can be the entrypoint
// of a cluster.
//
// Times are milliseconds since 1970 in uint64, as on the wire, unless the type
// says otherwise.
package gossip
