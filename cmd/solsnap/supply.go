package main

import "context"

// totalSupply is in lamports.
func (n *node) totalSupply(ctx context.Context) (uint64, error) {
	total, _, err := n.upstream.Supply(ctx)
	return total, err
}

// circulatingSupply is in lamports.
func (n *node) circulatingSupply(ctx context.Context) (uint64, error) {
	_, circulating, err := n.upstream.Supply(ctx)
	return circulating, err
}
