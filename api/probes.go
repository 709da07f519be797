package api

import (
	"net/http"

	"solsnap/snapshot"
)

// alive is the answer of /livez.
type alive struct {
	Status string `json:"status"`
}

// livez answers that the process runs and its handlers are reached; nothing
// that a restart would not mend makes it fail.
func (s *Server) livez(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, "application/json", alive{Status: "ok"})
}

// readiness is the answer of /readyz.
type readiness struct {
	Ready       bool           `json:"ready"`
	Reasons     []string       `json:"reasons"` // why not; empty, never null
	Health      string         `json:"health"`
	Slot        *snapshot.Slot `json:"slot"`
	ClusterSlot *snapshot.Slot `json:"clusterSlot"`
	SlotsBehind *uint64        `json:"slotsBehind"`
	Draining    bool           `json:"draining"`
	Genesis     bool           `json:"genesis"`
}

// readyz answers 200 when a validator can bootstrap from here, else 503.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	status := http.StatusOK
	state := s.readiness()
	if !state.Ready {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, "application/json", state)
}

func (s *Server) readiness() readiness {
	health := s.cfg.Health()
	pair, served := s.cfg.Archives.Served()
	state := readiness{
		Reasons:     []string{},
		Health:      health.State.String(),
		ClusterSlot: health.Cluster,
		Draining:    s.draining.Load(),
		Genesis:     s.cfg.Genesis(),
	}
	if served {
		slot := pair.Slot()
		state.Slot = &slot
	}
	if health.State != snapshot.HealthUnknown {
		state.SlotsBehind = &health.SlotsBehind
	}
	state.require(!state.Draining, "draining")
	state.require(s.cfg.Archives.Scanned(), "the snapshot directories have not been scanned yet")
	state.require(served, "no snapshot to serve")
	state.require(state.Genesis, "the genesis is not known")
	state.Ready = len(state.Reasons) == 0
	return state
}

func (r *readiness) require(ok bool, reason string) {
	if !ok {
		r.Reasons = append(r.Reasons, reason)
	}
}
