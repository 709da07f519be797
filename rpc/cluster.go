package rpc

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// ClusterNode is a node of the cluster as gossip knows it. An invalid address is
// one that the node does not name.
type ClusterNode struct {
	// Pubkey is in base58.
	Pubkey                                string
	Gossip, RPC, Pubsub, ServeRepair, TVU netip.AddrPort
	TPUForwardsQUIC, TPUQUIC, TPUVote     netip.AddrPort
	ShredVersion                          uint16
	// Version is a semantic version, and ClientID the name of the software, as
	// Agave or Unknown(100).
	Version, ClientID string
	FeatureSet        uint32
}

// ClusterMethods are the methods that follow from gossip. Register it.
type ClusterMethods struct {
	nodes func() []ClusterNode

	mu      sync.Mutex
	text    json.RawMessage // of the last answer; guarded by mu
	printed time.Time       // when; guarded by mu
}

// NewClusterMethods answers with the nodes of the cluster, ourselves included.
// They are asked for when a client does, once a second at most.
func NewClusterMethods(nodes func() []ClusterNode) *ClusterMethods {
	return &ClusterMethods{nodes: nodes}
}

// clusterNodesAge is how old the answer of GetClusterNodes may be. Of mainnet it
// has 3 MB, and anybody may ask for it.
const clusterNodesAge = time.Second

// GetClusterNodes lists the nodes that gossip knows (Agave rpc/src/rpc.rs,
// get_cluster_nodes).
func (c *ClusterMethods) GetClusterNodes(_ *http.Request, params *Params, result *any) error {
	if err := params.None(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.text == nil || now.Sub(c.printed) >= clusterNodesAge {
		c.text, c.printed = printNodes(c.nodes()), now
	}
	*result = c.text
	return nil
}

// clusterNode is an element of the answer of GetClusterNodes. The members are in
// the order of their names, as serde_json's map has them.
type clusterNode struct {
	ClientID        string          `json:"clientId"`
	FeatureSet      uint32          `json:"featureSet"`
	Gossip          *netip.AddrPort `json:"gossip"`
	Pubkey          string          `json:"pubkey"`
	Pubsub          *netip.AddrPort `json:"pubsub"`
	RPC             *netip.AddrPort `json:"rpc"`
	ServeRepair     *netip.AddrPort `json:"serveRepair"`
	ShredVersion    uint16          `json:"shredVersion"`
	TPU             *string         `json:"tpu"`         // always null now
	TPUForwards     *string         `json:"tpuForwards"` // always null now
	TPUForwardsQUIC *netip.AddrPort `json:"tpuForwardsQuic"`
	TPUQUIC         *netip.AddrPort `json:"tpuQuic"`
	TPUVote         *netip.AddrPort `json:"tpuVote"`
	TVU             *netip.AddrPort `json:"tvu"`
	Version         string          `json:"version"`
}

// orNull is nil for no address.
func orNull(addr netip.AddrPort) *netip.AddrPort {
	if !addr.IsValid() {
		return nil
	}
	return &addr
}

func printNodes(nodes []ClusterNode) json.RawMessage {
	list := make([]clusterNode, len(nodes))
	for i, n := range nodes {
		list[i] = clusterNode{
			ClientID: n.ClientID, FeatureSet: n.FeatureSet, Pubkey: n.Pubkey, ShredVersion: n.ShredVersion, Version: n.Version,
			Gossip: orNull(n.Gossip), RPC: orNull(n.RPC), Pubsub: orNull(n.Pubsub), ServeRepair: orNull(n.ServeRepair), TVU: orNull(n.TVU),
			TPUForwardsQUIC: orNull(n.TPUForwardsQUIC), TPUQUIC: orNull(n.TPUQUIC), TPUVote: orNull(n.TPUVote),
		}
	}
	return printed(list)
}
