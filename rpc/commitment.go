package rpc

import (
	"errors"
	"fmt"

	"solsnap/snapshot"
)

// commitment is how settled a state must be. A node that has one state, its
// snapshot's, answers every level from it: all that matters is whether the
// level exists, and that only where Agave looks.
type commitment struct{}

// UnmarshalParam checks the level's name, and refuses others as serde does.
func (*commitment) UnmarshalParam(v any) error {
	switch name := v.(type) {
	case string:
		switch name {
		case "processed", "confirmed", "finalized":
			return nil
		}
		return fmt.Errorf("unknown variant `%s`, expected one of `processed`, `confirmed`, `finalized`", name)
	case map[string]any:
		return errors.New("invalid value: map, expected map with a single key")
	default:
		return invalidType(v, "string or map")
	}
}

// commitmentConfig is the parameter of Agave's older methods. An unknown level
// in it is an error.
type commitmentConfig struct {
	_          struct{}   `serde:"CommitmentConfig"`
	Commitment commitment `param:"commitment"`
}

// ContextConfig is the object that most methods take last. The commitment in it
// is not looked at: serde's flatten takes an unknown level for none.
type ContextConfig struct {
	_ struct{} `serde:"RpcContextConfig"`
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
