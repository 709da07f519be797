//go:build !race

package gossip

const (
	crowdSize = 500 // nodes of the largest simulated cluster
	shrink    = 1   // by which the others are divided
)
