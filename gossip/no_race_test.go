//go:build !race

package gossip

// crowdSize is how many nodes the largest simulated cluster has. The race detector
// makes everything some five times slower.
const crowdSize = 500
