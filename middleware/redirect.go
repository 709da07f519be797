package middleware

import (
	"io"
	"net/http"
	"strconv"

	"solsnap/snapshot"
)

func (s *snapshots) redirectFull(w http.ResponseWriter, _ *http.Request, _ string) {
	pair, ok := s.Archives.Served()
	if !ok {
		notFound(w)
		return
	}
	redirect(w, pair.Full.Name)
}

func (s *snapshots) redirectIncremental(w http.ResponseWriter, _ *http.Request, _ string) {
	pair, ok := s.Archives.Served()
	if !ok || pair.Incremental == nil {
		notFound(w)
		return
	}
	redirect(w, pair.Incremental.Name)
}

// redirect answers 303 with a path and nothing else for location: Firedancer
// refuses a scheme or host. The header's name is in lower case because
// solana-snapshot-finder looks for it so; net/http writes map keys as they are.
func redirect(w http.ResponseWriter, name snapshot.Name) {
	location := "/" + name.String()
	h := w.Header()
	h["location"] = []string{location}
	h["Cache-Control"] = noStore
	h["Content-Type"] = nil
	bareText(w, http.StatusSeeOther, location)
}

var noStore = []string{"no-store"}

// notFound answers 404 with an empty body, as Agave does on these paths.
func notFound(w http.ResponseWriter) {
	h := w.Header()
	h["Cache-Control"] = noStore
	h["Content-Type"] = nil
	bareText(w, http.StatusNotFound, "")
}

// bareText answers body with its length. The length is said outright so that
// HEAD has it too; net/http drops the body there.
func bareText(w http.ResponseWriter, code int, body string) {
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body) // a peer that is gone is no news
}
