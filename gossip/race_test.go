//go:build race

package gossip

// With the race detector everything takes ten times as long, and simulated
// clusters are smaller.
const (
	crowdSize = 100 // nodes of the largest
	shrink    = 2   // by which the others are divided
)
