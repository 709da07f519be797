package rpc

import (
	"net/http"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// maxProcessingAge is how many blockhashes back a transaction may name one: half
// of Agave's MAX_RECENT_BLOCKHASHES.
const maxProcessingAge = 150

func (b *Bank) addBlockhashes(q *manifest.BlockhashQueue) {
	if q.LastHash != nil {
		last := *q.LastHash
		b.lastHash = &last
	}
	b.recent = make(map[snapshot.Hash]struct{})
	for _, h := range q.Hashes {
		if h.HashIndex <= q.LastHashIndex && q.LastHashIndex-h.HashIndex <= maxProcessingAge {
			b.recent[h.Hash] = struct{}{}
		}
	}
}

// GetLatestBlockhash names the bank's last blockhash and the block height up to
// which a transaction may name it. On a live cluster that height is reached about
// a minute after the bank: who wants to send transactions needs an upstream.
func (b BankMethods) GetLatestBlockhash(_ *http.Request, params *Params, result *any) error {
	bank, err := b.withContext(params)
	if err != nil {
		return err
	}
	if bank.lastHash == nil {
		return errUnhealthy
	}
	type latest struct {
		Blockhash            snapshot.Hash `json:"blockhash"`
		LastValidBlockHeight uint64        `json:"lastValidBlockHeight"`
	}
	*result = b.inContext(bank, latest{*bank.lastHash, bank.blockHeight + maxProcessingAge})
	return nil
}

// IsBlockhashValid tells whether a transaction in the bank's next block might
// name the blockhash.
func (b BankMethods) IsBlockhashValid(_ *http.Request, params *Params, result *any) error {
	var text string
	var config ContextConfig
	if err := params.Decode(1, &text, &config); err != nil {
		return err
	}
	hash, err := parseBase58(text, "")
	if err != nil {
		return err
	}
	bank, err := b.reached(config)
	if err != nil {
		return err
	}
	_, valid := bank.recent[hash]
	*result = b.inContext(bank, valid)
	return nil
}
