//go:build !linux

// Command gossipload plays a cluster to a gossip node. It sends from thousands
// of loopback addresses by batch and reads CPU time from /proc, as only Linux
// offers.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "gossipload: needs Linux: packets go by sendmmsg from addresses of their own, and CPU time is read from /proc")
	os.Exit(2)
}
