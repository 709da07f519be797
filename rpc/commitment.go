package rpc

import (
	"fmt"

	"solsnap/snapshot"
)

// Commitment is how settled a state must be. A node that has one state, its
// snapshot's, answers all three from it.
type Commitment uint8

// The levels. Finalized is the zero value, as it is Agave's default.
const (
	Finalized Commitment = iota
	Confirmed
	Processed
)

// UnmarshalParam reads the level's name, and refuses others as serde does.
func (c *Commitment) UnmarshalParam(v any) error {
	name, ok := v.(string)
	if !ok {
		if _, ok := v.(map[string]any); !ok {
			return invalidType(v, "string or map")
		}
		return fmt.Errorf("invalid value: map, expected map with a single key")
	}
	switch name {
	case "finalized":
		*c = Finalized
	case "confirmed":
		*c = Confirmed
	case "processed":
		*c = Processed
	default:
		return fmt.Errorf("unknown variant `%s`, expected one of `processed`, `confirmed`, `finalized`", name)
	}
	return nil
}

// ContextConfig is the object that most methods take last. An unknown level in
// it is ignored, as serde's flatten does.
type ContextConfig struct {
	_          struct{}   `serde:"RpcContextConfig"`
	Commitment Commitment `param:"commitment,lenient"`
	// MinContextSlot is the lowest slot that the client will accept an answer
	// from; nil means any.
	MinContextSlot *snapshot.Slot `param:"minContextSlot"`
}

// Check returns CodeMinContextSlotNotReached when the state at slot is older
// than the client will accept.
func (c ContextConfig) Check(slot snapshot.Slot) error {
	if c.MinContextSlot != nil && slot < *c.MinContextSlot {
		return errContextSlot(slot)
	}
	return nil
}
