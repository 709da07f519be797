package middleware

import (
	"net/http"
	"strconv"
	"strings"

	"solsnap/snapshot"
)

// health answers Agave's word: 200 whatever it is, unless told otherwise.
func (s *snapshots) health(w http.ResponseWriter, _ *http.Request, _ string) {
	state := s.Health().State
	code := http.StatusOK
	if state != snapshot.HealthOK && s.HealthStatusCodes() {
		code = http.StatusServiceUnavailable
	}
	h := w.Header()
	h["Cache-Control"] = noStore
	h["Content-Type"] = nil
	bareText(w, code, state.String())
}

// supply answers in SOL (Agave rpc/src/rpc_service.rs, process_rest).
func (s *snapshots) supply(w http.ResponseWriter, r *http.Request, path string) {
	ask := s.TotalSupply
	if path == "/v0/circulating-supply" {
		ask = s.CirculatingSupply
	}
	if ask == nil {
		notFound(w)
		return
	}
	lamports, err := ask(r.Context())
	if err != nil {
		s.Logger.Debug("supply is not known", "err", err)
		notFound(w)
		return
	}
	h := w.Header()
	h["Cache-Control"] = noStore
	h["Content-Type"] = nil
	bareText(w, http.StatusOK, formatSOL(lamports))
}

// formatSOL prints lamports as Agave does: through a float64, with nine
// decimals, less trailing zeros and a trailing point.
func formatSOL(lamports uint64) string {
	const lamportsPerSOL = 1e9
	s := strconv.FormatFloat(float64(lamports)/lamportsPerSOL, 'f', 9, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
