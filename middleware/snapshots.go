package middleware

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"

	"solsnap/snapshot"
)

// Archives is where Snapshots finds archives. *snapshot.Store is one.
type Archives interface {
	// Served returns the served pair. It must not block or allocate: every
	// redirect asks.
	Served() (snapshot.Pair, bool)
	// Open returns fs.ErrNotExist for an archive that is not listed. The caller
	// closes the file.
	Open(snapshot.Name) (*snapshot.File, error)
}

// SnapshotsConfig configures Snapshots. All but Digest, TotalSupply,
// CirculatingSupply, HealthStatusCodes and Logger are required.
type SnapshotsConfig struct {
	Archives  Archives
	Transfers *Transfers
	// Genesis opens the genesis archive; fs.ErrNotExist while there is none.
	Genesis func() (*os.File, error)
	Health  func() snapshot.Health
	// Digest returns the SHA-256 of an archive's bytes once it is known.
	Digest func(snapshot.Archive) ([32]byte, bool)
	// TotalSupply and CirculatingSupply return lamports. Nil, or any error,
	// answers 404, as Agave does when it cannot tell.
	TotalSupply, CirculatingSupply func(context.Context) (lamports uint64, err error)
	// HealthStatusCodes reports whether /health answers 503 when the word is not
	// "ok". Nil is never, as with Agave.
	HealthStatusCodes func() bool
	Logger            *slog.Logger
}

// allowFiles are the methods of every path that Snapshots answers.
const allowFiles = "GET, HEAD, OPTIONS"

// archivePath is what Agave takes for an archive when it serves files, looser
// than what it lists (snapshots/src/paths.rs): such a path is never JSON-RPC.
var archivePath = regexp.MustCompile(`^/(incremental-snapshot-[0-9]+|snapshot)-[0-9]+-[0-9A-Za-z]+\.tar\.(zst|lz4)$`)

// Snapshots answers what Agave's RpcRequestMiddleware answers, in its order of
// decision (rpc/src/rpc_service.rs, on_request): redirects to the served pair,
// supply, genesis, archives, health. Everything else is next's. It compares the
// raw path: not decoded, not cleaned, without the query.
func Snapshots(cfg SnapshotsConfig) func(http.Handler) http.Handler {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.HealthStatusCodes == nil {
		cfg.HealthStatusCodes = func() bool { return false }
	}
	s := &snapshots{SnapshotsConfig: cfg}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			path := RawPath(r)
			serve, kind := s.decide(path)
			if serve == nil {
				next.ServeHTTP(w, r)
				return
			}
			observed(w).route = kind
			allowOrigin(w.Header(), r, allowFiles)
			if methodAllowed(w, r) {
				serve(w, r, path)
			}
		})
	}
}

type snapshots struct {
	SnapshotsConfig
}

// answer is a handler that has been told the raw path.
type answer func(w http.ResponseWriter, r *http.Request, path string)

// decide is the order of decision. A nil answer is the next handler's.
func (s *snapshots) decide(path string) (answer, route) {
	switch path {
	case "/snapshot.tar.bz2", "/snapshot.tar.zst":
		return s.redirectFull, routeAlias
	case "/incremental-snapshot.tar.bz2", "/incremental-snapshot.tar.zst":
		return s.redirectIncremental, routeAlias
	case "/v0/circulating-supply", "/v0/total-supply":
		return s.supply, routeSupply
	case "/genesis.tar.bz2":
		return s.genesis, routeGenesis
	case "/health":
		return s.health, routeHealth
	}
	if strings.Contains(path, "snapshot-") && archivePath.MatchString(path) {
		return s.archive, routeArchive
	}
	return nil, routeAPI
}

// RawPath is the path as the client sent it.
func RawPath(r *http.Request) string {
	if r.URL.RawPath != "" {
		return r.URL.RawPath
	}
	return r.URL.Path
}

// methodAllowed answers every method but GET and HEAD itself.
func methodAllowed(w http.ResponseWriter, r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return true
	case http.MethodOptions:
		w.Header().Set("Allow", allowFiles)
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", allowFiles)
		plainText(w, http.StatusMethodNotAllowed, "method not allowed on this path: use GET or HEAD")
	}
	return false
}

// plainText answers with one line for people.
func plainText(w http.ResponseWriter, code int, line string) {
	h := w.Header()
	h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	bareText(w, code, line+"\n")
}
