package api

import (
	"net/http"
	"net/netip"
	"time"
)

// Gossip is what /admin/v1/gossip answers. Whoever wires the program fills it in
// anew for each request; nil slices are shown as empty. An invalid address is
// one that is not known.
type Gossip struct {
	// Pubkey is our identity in base58.
	Pubkey string
	// Mode is "light" or "full".
	Mode string
	// ShredVersion is 0 while unknown.
	ShredVersion uint16
	// Listening is the bound address; Gossip and RPC are those advertised.
	Listening, Gossip, RPC netip.AddrPort
	// Joined tells that we take part, Visible that others would tell of us.
	Joined, Visible bool
	// Snapshots are what we announce; nil for nothing.
	Snapshots *GossipSnapshots
	// Ponged is how many peers answered a ping, Returned how many gave us our own
	// contact info of late.
	Ponged, Returned int
	// Packets and Values are counted by message or kind and by verdict; what is 0
	// is left out.
	Packets, Values map[string]map[string]uint64
	// Sent are packets by message.
	Sent              map[string]uint64
	BytesIn, BytesOut uint64
	// Table is how many values of each kind are held.
	Table map[string]int
	Peers []GossipPeer
}

// GossipSnapshots are the snapshots that a node announces.
type GossipSnapshots struct {
	Full        GossipSnapshot  `json:"full"`
	Incremental *GossipSnapshot `json:"incremental"`
}

// GossipSnapshot is the slot and the hash, in base58, of a snapshot.
type GossipSnapshot struct {
	Slot uint64 `json:"slot"`
	Hash string `json:"hash"`
}

// GossipPeer is a node by its own account.
type GossipPeer struct {
	Pubkey          string
	Gossip, RPC     netip.AddrPort
	Version, Client string
	ShredVersion    uint16
	Snapshots       *GossipSnapshots
	// RTT is 0 while unknown.
	RTT time.Duration
	// Seen is when its contact info last came.
	Seen time.Time
}

// gossipDocument is Gossip on the wire.
type gossipDocument struct {
	Pubkey       string                       `json:"pubkey"`
	Mode         string                       `json:"mode"`
	ShredVersion *uint16                      `json:"shredVersion"`
	Listening    *netip.AddrPort              `json:"listening"`
	Gossip       *netip.AddrPort              `json:"gossip"`
	RPC          *netip.AddrPort              `json:"rpc"`
	Joined       bool                         `json:"joined"`
	Visible      bool                         `json:"visible"`
	Snapshots    *GossipSnapshots             `json:"snapshots"`
	Ponged       int                          `json:"ponged"`
	Returned     int                          `json:"returned"`
	Packets      map[string]map[string]uint64 `json:"packets"`
	Values       map[string]map[string]uint64 `json:"values"`
	Sent         map[string]uint64            `json:"sent"`
	BytesIn      uint64                       `json:"bytesIn"`
	BytesOut     uint64                       `json:"bytesOut"`
	Table        map[string]int               `json:"table"`
	Peers        []gossipPeerDocument         `json:"peers"`
}

type gossipPeerDocument struct {
	Pubkey       string           `json:"pubkey"`
	Gossip       *netip.AddrPort  `json:"gossip"`
	RPC          *netip.AddrPort  `json:"rpc"`
	Version      string           `json:"version"`
	Client       string           `json:"client"`
	ShredVersion uint16           `json:"shredVersion"`
	Snapshots    *GossipSnapshots `json:"snapshots"`
	RTT          *float64         `json:"rttMs"`
	Seen         time.Time        `json:"seen"`
}

func (g Gossip) document() gossipDocument {
	d := gossipDocument{
		Pubkey: g.Pubkey, Mode: g.Mode, Listening: orNull(g.Listening), Gossip: orNull(g.Gossip), RPC: orNull(g.RPC),
		Joined: g.Joined, Visible: g.Visible, Snapshots: g.Snapshots, Ponged: g.Ponged, Returned: g.Returned,
		Packets: orEmptyMap(g.Packets), Values: orEmptyMap(g.Values), Sent: orEmptyMap(g.Sent),
		BytesIn: g.BytesIn, BytesOut: g.BytesOut, Table: orEmptyMap(g.Table),
		Peers: make([]gossipPeerDocument, len(g.Peers)),
	}
	if g.ShredVersion != 0 {
		d.ShredVersion = &g.ShredVersion
	}
	for i := range g.Peers {
		d.Peers[i] = g.Peers[i].document()
	}
	return d
}

func (p *GossipPeer) document() gossipPeerDocument {
	d := gossipPeerDocument{
		Pubkey: p.Pubkey, Gossip: orNull(p.Gossip), RPC: orNull(p.RPC), Version: p.Version, Client: p.Client,
		ShredVersion: p.ShredVersion, Snapshots: p.Snapshots, Seen: p.Seen.UTC(),
	}
	if p.RTT > 0 {
		ms := float64(p.RTT.Microseconds()) / 1000
		d.RTT = &ms
	}
	return d
}

// orNull is nil for no address.
func orNull(addr netip.AddrPort) *netip.AddrPort {
	if !addr.IsValid() {
		return nil
	}
	return &addr
}

// orEmptyMap keeps null out of JSON.
func orEmptyMap[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// gossip answers the provider's Gossip.
func (a *Admin) gossip(w http.ResponseWriter, _ *http.Request) {
	if a.cfg.Gossip == nil {
		refuse(w, http.StatusNotFound, "gossip is off")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, "application/json", a.cfg.Gossip().document())
}
