package rpc

import (
	"net/http"
	"strconv"

	"solsnap/snapshot"
)

// NodeMethods are the methods that a node with archives and without a bank can
// answer about itself. Register it; every field is required.
type NodeMethods struct {
	// Version is a semantic version: Agave's client parses it as one.
	Version string
	// FeatureSet is the number of the feature set that Version has. It may not be
	// null: web3.js 1.x refuses that, and no validator sends it.
	FeatureSet uint32
	// Identity is the node's public key in base58.
	Identity string
	// GenesisHash returns false until the genesis has been found.
	GenesisHash func() (snapshot.Hash, bool)
	// Served is the pair that the redirects lead to; false when there is none.
	Served func() (snapshot.Pair, bool)
	Health func() snapshot.Health
}

// GetVersion names the software. Agave asks it first, to see whether the node
// is alive, with null for its params.
func (n NodeMethods) GetVersion(_ *http.Request, params *Params, result *any) error {
	type version struct {
		FeatureSet uint32 `json:"feature-set"`
		SolanaCore string `json:"solana-core"`
	}
	*result = version{n.FeatureSet, n.Version}
	return params.None()
}

// GetIdentity names the node's public key.
func (n NodeMethods) GetIdentity(_ *http.Request, params *Params, result *any) error {
	type identity struct {
		Identity string `json:"identity"`
	}
	*result = identity{n.Identity}
	return params.None()
}

// GetGenesisHash names the cluster. While the genesis has not been found it
// answers CodeNodeUnhealthy: clients then try another node and come back, where
// an internal error would look like a defect. No validator is ever without.
func (n NodeMethods) GetGenesisHash(_ *http.Request, params *Params, result *any) error {
	if err := params.None(); err != nil {
		return err
	}
	hash, ok := n.GenesisHash()
	if !ok {
		return errUnhealthy
	}
	*result = hash
	return nil
}

// GetHealth answers "ok" or CodeNodeUnhealthy (Agave rpc/src/rpc.rs, get_health).
func (n NodeMethods) GetHealth(_ *http.Request, params *Params, result *any) error {
	if err := params.None(); err != nil {
		return err
	}
	switch health := n.Health(); health.State {
	case snapshot.HealthOK:
		*result = "ok"
		return nil
	case snapshot.HealthBehind:
		return errBehind(health.SlotsBehind)
	default:
		return errUnhealthy
	}
}

// GetHighestSnapshotSlot tells the slots of the pair that the redirects lead
// to, or CodeNoSnapshot.
func (n NodeMethods) GetHighestSnapshotSlot(_ *http.Request, params *Params, result *any) error {
	if err := params.None(); err != nil {
		return err
	}
	pair, ok := n.Served()
	if !ok {
		return errNoSnapshot
	}
	answer := highestSlots{full: pair.Full.Name.Slot}
	if pair.Incremental != nil {
		answer.incremental = &pair.Incremental.Name.Slot
	}
	*result = answer
	return nil
}

// highestSlots is the answer of GetHighestSnapshotSlot.
type highestSlots struct {
	full        snapshot.Slot
	incremental *snapshot.Slot // nil: none
}

func (h highestSlots) appendJSON(b []byte) []byte {
	b = strconv.AppendUint(append(b, `{"full":`...), uint64(h.full), 10)
	b = append(b, `,"incremental":`...)
	if h.incremental == nil {
		return append(b, `null}`...)
	}
	return append(strconv.AppendUint(b, uint64(*h.incremental), 10), '}')
}

// GetSlot is the slot of the state that the served pair restores, at every
// commitment: it is the only state there is. Without a pair it answers
// CodeNoSnapshot, since a number made up would pass for a validator's.
func (n NodeMethods) GetSlot(_ *http.Request, params *Params, result *any) error {
	var config ContextConfig
	if err := params.Decode(0, &config); err != nil {
		return err
	}
	pair, ok := n.Served()
	if !ok {
		return errNoSnapshot
	}
	*result = pair.Slot()
	return config.Check(pair.Slot())
}
