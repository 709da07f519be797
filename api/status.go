package api

import (
	"time"

	"solsnap/middleware"
	"solsnap/snapshot"
)

// Status is what /admin/v1/status answers. Whoever wires the program fills it
// in anew for each request; nil slices are shown as empty.
type Status struct {
	Version string
	Started time.Time
	// Listeners are the bound addresses.
	Listeners []Listener
	// Served is the served pair; nil while there is none.
	Served *snapshot.Pair
	// Archives is how many archives are listed.
	Archives int
	// Conflicts are archives that cannot both be right, in words for people.
	Conflicts []string
	Health    snapshot.Health
	// Draining is true once the program has been told to stop.
	Draining bool
	// Connections is how many are open on the public listeners.
	Connections int
	Transfers   []middleware.Transfer
	Limits      middleware.Limits
	// DigestsPending is how many listed archives have no digest yet.
	DigestsPending int
}

// Listener is a bound address and what it is for: "public", "public-tls",
// "admin" or "gossip".
type Listener struct {
	Address string `json:"address"`
	Use     string `json:"use"`
}

// statusDocument is Status on the wire.
type statusDocument struct {
	Version        string                `json:"version"`
	Started        time.Time             `json:"started"`
	UptimeSeconds  int64                 `json:"uptimeSeconds"`
	Listeners      []Listener            `json:"listeners"`
	ServedPair     *servedPair           `json:"servedPair"`
	Archives       int                   `json:"archives"`
	Conflicts      []string              `json:"conflicts"`
	Health         healthDocument        `json:"health"`
	Draining       bool                  `json:"draining"`
	Connections    int                   `json:"connections"`
	Transfers      []middleware.Transfer `json:"transfers"`
	Limits         limitsDocument        `json:"limits"`
	DigestsPending int                   `json:"digestsPending"`
}

// healthDocument is snapshot.Health on the wire.
type healthDocument struct {
	State       string         `json:"state"`
	Slot        *snapshot.Slot `json:"slot"`
	ClusterSlot *snapshot.Slot `json:"clusterSlot"`
	SlotsBehind *uint64        `json:"slotsBehind"` // null while State is unknown
}

func documentHealth(h snapshot.Health) healthDocument {
	document := healthDocument{State: h.State.String(), Slot: h.Mine, ClusterSlot: h.Cluster}
	if h.State != snapshot.HealthUnknown {
		document.SlotsBehind = &h.SlotsBehind
	}
	return document
}

// limitsDocument is middleware.Limits on the wire; 0 is no limit.
type limitsDocument struct {
	MaxDownloads          int   `json:"maxDownloads"`
	MaxDownloadsPerClient int   `json:"maxDownloadsPerClient"`
	DownloadRate          int64 `json:"downloadRate"`
	TotalRate             int64 `json:"totalRate"`
	MinimumRate           int64 `json:"minimumRate"`
	MinimumWindowSeconds  int64 `json:"minimumWindowSeconds"`
}

func (s Status) document(now time.Time) statusDocument {
	return statusDocument{
		Version:        s.Version,
		Started:        s.Started.UTC(),
		UptimeSeconds:  int64(now.Sub(s.Started).Seconds()),
		Listeners:      orEmpty(s.Listeners),
		ServedPair:     nameServed(s.Served),
		Archives:       s.Archives,
		Conflicts:      orEmpty(s.Conflicts),
		Health:         documentHealth(s.Health),
		Draining:       s.Draining,
		Connections:    s.Connections,
		Transfers:      orEmpty(s.Transfers),
		Limits:         documentLimits(s.Limits),
		DigestsPending: s.DigestsPending,
	}
}

func documentLimits(l middleware.Limits) limitsDocument {
	return limitsDocument{
		MaxDownloads:          l.MaxDownloads,
		MaxDownloadsPerClient: l.MaxDownloadsPerClient,
		DownloadRate:          l.DownloadRate,
		TotalRate:             l.TotalRate,
		MinimumRate:           l.MinimumRate,
		MinimumWindowSeconds:  int64(l.MinimumWindow.Seconds()),
	}
}

// orEmpty keeps null out of JSON.
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
