//go:build race

package gossip

// crowdSize is how many nodes the largest simulated cluster has.
const crowdSize = 100
