package api

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"solsnap/middleware"
)

// allowed are the methods of every route of the public server.
const allowed = "GET, HEAD, OPTIONS"

// routes is the route table. chi compares the raw path and neither cleans nor
// redirects it, so that what is not exactly a route reaches JSON-RPC, as with
// Agave.
func (s *Server) routes() *chi.Mux {
	r := chi.NewRouter()
	r.NotFound(s.cfg.RPC.ServeHTTP)
	r.MethodNotAllowed(s.methodNotAllowed)
	open := r.With(middleware.CORS(allowed))
	for path, get := range map[string]http.HandlerFunc{
		"/livez":               s.livez,
		"/readyz":              s.readyz,
		"/v1/snapshots":        s.listSnapshots,
		"/v1/snapshots/{name}": s.describeSnapshot,
		"/openapi.yaml":        document("application/yaml", s.cfg.OpenAPI),
	} {
		open.Get(path, get)
		open.Head(path, get)
		open.Options(path, options)
	}
	return r
}

// options answers what a route allows; CORS has added its part for a preflight.
func options(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", allowed)
	w.WriteHeader(http.StatusNoContent)
}

// methodNotAllowed is where chi sends a method that a route has not, but also a
// method that chi does not know, on any path.
func (s *Server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	if !s.router.Match(chi.NewRouteContext(), http.MethodGet, middleware.RawPath(r)) {
		s.cfg.RPC.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Allow", allowed)
	s.fail(w, r, errMethod)
}
