package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// How long an answer of getSupply is used. It walks every stake account of the
// validator; the number moves by some lamports a second.
const (
	supplyAge = time.Minute
	// supplyFailureAge is the same for an answer that was no good.
	supplyFailureAge = 5 * time.Second
)

// supplyCache is the last answer of getSupply. Whoever holds turn, a channel of
// capacity one, owns the other fields.
type supplyCache struct {
	turn               chan struct{}
	total, circulating uint64
	err                error
	until              time.Time
}

// Supply asks for the lamports that exist and that circulate. Answers, good or
// bad, are kept for a while; callers that need a new one wait for one call,
// made by one of them, and each only until its own ctx ends.
func (u *Upstream) Supply(ctx context.Context) (total, circulating uint64, err error) {
	c := &u.supply
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return 0, 0, fmt.Errorf("wait for upstream supply: %w", ctx.Err())
	}
	if time.Now().Before(c.until) {
		return c.total, c.circulating, c.err
	}
	total, circulating, err = u.askSupply(ctx)
	if err != nil && ctx.Err() != nil {
		// This caller left; the next one asks again.
		return 0, 0, err
	}
	age := supplyAge
	if err != nil {
		age = supplyFailureAge
	}
	c.total, c.circulating, c.err, c.until = total, circulating, err, time.Now().Add(age)
	return total, circulating, err
}

var supplyParams = []byte(`[{"commitment":"finalized","excludeNonCirculatingAccountsList":true}]`)

func (u *Upstream) askSupply(ctx context.Context) (total, circulating uint64, err error) {
	answer, err := u.call(ctx, upstreamCall{method: "getSupply", params: supplyParams, own: true})
	defer answer.release()
	if err != nil {
		return 0, 0, fmt.Errorf("ask upstream for supply: %w", err)
	}
	if answer.err != nil {
		return 0, 0, fmt.Errorf("ask upstream for supply: %w", answer.err)
	}
	var supply struct {
		Value struct {
			Total       *uint64 `json:"total"`
			Circulating *uint64 `json:"circulating"`
		} `json:"value"`
	}
	err = json.Unmarshal(answer.result, &supply)
	if err != nil || supply.Value.Total == nil || supply.Value.Circulating == nil {
		return 0, 0, fmt.Errorf("read upstream supply: %w", errGarbage)
	}
	return *supply.Value.Total, *supply.Value.Circulating, nil
}
