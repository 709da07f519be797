package main

import (
	"context"
	"errors"
)

var errNoBank = errors.New("no bank manifest has been decoded")

// totalSupply is in lamports: the upstream's, or else that of the served pair.
func (n *node) totalSupply(ctx context.Context) (uint64, error) {
	err := errNoBank
	if n.upstream != nil {
		var total uint64
		if total, _, err = n.upstream.Supply(ctx); err == nil {
			return total, nil
		}
	}
	if bank := n.bank.Load(); bank != nil {
		return bank.Capitalization(), nil
	}
	return 0, err
}

// circulatingSupply is in lamports. A manifest does not have it: it takes the
// lockups of all stake accounts.
func (n *node) circulatingSupply(ctx context.Context) (uint64, error) {
	_, circulating, err := n.upstream.Supply(ctx)
	return circulating, err
}
