package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// maxSlotLeaders is the most that GetSlotLeaders lists, Agave's
// MAX_GET_SLOT_LEADERS.
const maxSlotLeaders = 5000

// epochLeaders are the leaders of one epoch.
type epochLeaders struct {
	schedule *manifest.LeaderSchedule
	// text is the answer of GetLeaderSchedule, 3 MB on mainnet, made once, by the
	// first who wants it.
	text func() json.RawMessage
}

func newEpochLeaders(schedule *manifest.LeaderSchedule) *epochLeaders {
	return &epochLeaders{schedule, sync.OnceValue(func() json.RawMessage {
		return printSchedule(schedule, func(manifest.Pubkey) bool { return true })
	})}
}

// printSchedule lists for each identity that is wanted the indices of its slots.
func printSchedule(schedule *manifest.LeaderSchedule, wanted func(manifest.Pubkey) bool) json.RawMessage {
	slots := make(map[manifest.Pubkey][]uint64)
	for i := range schedule.Slots() {
		if leader, _ := schedule.Leader(i); wanted(leader) {
			slots[leader] = append(slots[leader], i)
		}
	}
	byName := make(map[string][]uint64, len(slots))
	for leader, indices := range slots {
		byName[leader.String()] = indices
	}
	text := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(byName)) {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, '"'), name...), '"', ':')
		text = appendIndices(text, byName[name])
	}
	return append(text, '}')
}

func appendIndices(text []byte, indices []uint64) []byte {
	text = append(text, '[')
	for i, n := range indices {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendUint(text, n, 10)
	}
	return append(text, ']')
}

// leaderScheduleConfig is the last parameter of GetLeaderSchedule, or the first.
type leaderScheduleConfig struct {
	_        struct{} `serde:"RpcLeaderScheduleConfig"`
	Identity *string  `param:"identity"`
}

// slotOrConfig is the first parameter of GetLeaderSchedule.
type slotOrConfig struct {
	slot   *snapshot.Slot
	config *leaderScheduleConfig
}

// UnmarshalParam takes a number or an object. What fits neither is told without
// a reason, as serde does for an untagged enum.
func (s *slotOrConfig) UnmarshalParam(v any) error {
	into := reflect.ValueOf(&s.slot)
	if _, ok := v.(map[string]any); ok {
		into = reflect.ValueOf(&s.config)
	}
	if err := decodeValue(v, into.Elem()); err != nil {
		return errors.New("data did not match any variant of untagged enum RpcLeaderScheduleConfigWrapper")
	}
	return nil
}

// GetLeaderSchedule lists for each leader the indices of its slots in an epoch,
// or answers null for an epoch whose leaders are not known. Every commitment is
// the same here.
func (b BankMethods) GetLeaderSchedule(_ *http.Request, params *Params, result *any) error {
	var first slotOrConfig
	var config leaderScheduleConfig
	if err := params.Decode(0, &first, &config); err != nil {
		return err
	}
	if first.config != nil {
		config = *first.config
	}
	identity, err := optionalPubkey(config.Identity)
	if err != nil {
		return err
	}
	bank, err := b.current()
	if err != nil {
		return err
	}
	slot := bank.slot
	if first.slot != nil {
		slot = *first.slot
	}
	switch leaders := bank.leaders[bank.schedule.Epoch(slot).Epoch]; {
	case leaders == nil:
		*result = json.RawMessage(null)
	case identity != nil:
		*result = printSchedule(leaders.schedule, func(k manifest.Pubkey) bool { return k == *identity })
	default:
		*result = leaders.text()
	}
	return nil
}

// GetSlotLeader names the leader of the bank's slot.
func (b BankMethods) GetSlotLeader(_ *http.Request, params *Params, result *any) error {
	bank, err := b.withContext(params)
	if err != nil {
		return err
	}
	if bank.leader.IsZero() {
		return errUnhealthy
	}
	*result = bank.leader
	return nil
}

// GetSlotLeaders names the leaders of so many slots in a row.
func (b BankMethods) GetSlotLeaders(_ *http.Request, params *Params, result *any) error {
	var start snapshot.Slot
	var limit uint64
	if err := params.Decode(2, &start, &limit); err != nil {
		return err
	}
	if limit > maxSlotLeaders {
		return &Error{Code: CodeInvalidParams, Message: fmt.Sprintf("Invalid limit; max %d", maxSlotLeaders)}
	}
	bank, err := b.current()
	if err != nil {
		return err
	}
	*result, err = bank.slotLeaders(start, int(limit))
	return err
}

func (b *Bank) slotLeaders(start snapshot.Slot, limit int) ([]manifest.Pubkey, error) {
	list := make([]manifest.Pubkey, 0, limit)
	at := b.schedule.Epoch(start)
	for epoch, index := at.Epoch, at.SlotIndex; len(list) < limit; epoch, index = epoch+1, 0 {
		leaders := b.leaders[epoch]
		if leaders == nil {
			return nil, &Error{
				Code:    CodeInvalidParams,
				Message: fmt.Sprintf("Invalid slot range: leader schedule for epoch %d is unavailable", epoch),
			}
		}
		for ; len(list) < limit && index < leaders.schedule.Slots(); index++ {
			leader, _ := leaders.schedule.Leader(index)
			list = append(list, leader)
		}
	}
	return list, nil
}
