package origin

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"solsnap/gossip/discovery"
	"solsnap/middleware"
	"solsnap/snapshot"
)

// site is a server that can be made like any. It has one pair.
type site struct {
	mu          sync.Mutex
	full, incr  string // names, "" for none; guarded by mu
	status      int    // of redirects; 200 for the archive itself
	prefix      string // of locations
	disposition bool
	health      string // "" for 404
	server      string
	digest      string
	size        int64
	close       bool // after each answer
	noRange     bool
	asked       map[string]int // by method and path; guarded by mu
	incrStatus  int            // instead of any answer about the incremental; 0 for none
	probes      chan struct{}  // unbuffered, of who wants to see each begin; nil for nobody
}

// agave is a server as in a validator: 303 with a path, and nothing on files.
func agave() *site {
	return &site{full: full100.String(), incr: incr150.String(), status: 303, prefix: "/", health: "ok", size: 1 << 20, noRange: true}
}

// firedancer is its snapshot server: 302, ranges, and no health.
func firedancer() *site {
	return &site{full: full100.String(), incr: incr150.String(), status: 302, prefix: "/", size: 1 << 20}
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.probes != nil && r.URL.Path == "/snapshot.tar.bz2" {
		select {
		case s.probes <- struct{}{}:
		case <-r.Context().Done():
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil {
		s.asked = map[string]int{}
	}
	s.asked[r.Method+" "+r.URL.Path]++
	h := w.Header()
	if s.server != "" {
		h.Set("Server", s.server)
	}
	if s.close {
		h.Set("Connection", "close")
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	switch {
	case name == "snapshot.tar.bz2":
		s.lead(w, s.full)
	case name == "incremental-snapshot.tar.bz2" && s.incrStatus != 0:
		w.WriteHeader(s.incrStatus)
	case name == "incremental-snapshot.tar.bz2":
		s.lead(w, s.incr)
	case name == "health" && s.health != "":
		_, _ = io.WriteString(w, s.health)
	case name != "" && (name == s.full || name == s.incr):
		s.archive(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (s *site) lead(w http.ResponseWriter, name string) {
	switch {
	case name == "":
		w.WriteHeader(http.StatusNotFound)
		return
	case s.status != http.StatusOK:
		w.Header()["location"] = []string{s.prefix + name}
	case s.disposition:
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	default:
		w.Header().Set("Content-Location", s.prefix+name)
	}
	w.WriteHeader(s.status)
}

func (s *site) archive(w http.ResponseWriter, r *http.Request) {
	if s.digest != "" {
		w.Header().Set("Repr-Digest", s.digest)
	}
	if s.noRange {
		r.Header.Del("Range")
	}
	http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(zeros{}, 0, s.size))
}

type zeros struct{}

func (zeros) ReadAt(b []byte, _ int64) (int, error) { clear(b); return len(b), nil }

// count is how often something was asked.
func (s *site) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[what]
}

func serve(t testing.TB, h http.Handler) *httptest.Server {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

const sum1 = "sha-256=:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"

func TestServersOfEachKind(t *testing.T) {
	for name, tt := range map[string]struct {
		site *site
		edit func(*site)
		incr bool
		sum  [32]byte
		tags string
	}{
		"agave":                      {agave(), func(*site) {}, true, [32]byte{}, "health=ok"},
		"agave behind":               {agave(), func(s *site) { s.health = "behind" }, true, [32]byte{}, "health=behind"},
		"agave after a new full":     {agave(), func(s *site) { s.incr = "" }, false, [32]byte{}, "health=ok"},
		"agave, no incrementals":     {agave(), func(s *site) { s.incrStatus = 405 }, false, [32]byte{}, "health=ok"},
		"firedancer":                 {firedancer(), func(*site) {}, true, [32]byte{}, ""},
		"firedancer, other base":     {firedancer(), func(s *site) { s.full = full300.String() }, false, [32]byte{}, ""},
		"mirror with digest":         {agave(), func(s *site) { s.server, s.digest = "nginx/1.28 (x)", "md5=:AA==:, "+sum1 }, true, [32]byte{1}, "health=ok server=nginx/1.28"},
		"moved permanently":          {agave(), func(s *site) { s.status = 301 }, true, [32]byte{}, "health=ok"},
		"relative location":          {agave(), func(s *site) { s.prefix = "" }, true, [32]byte{}, "health=ok"},
		"directly, location":         {agave(), func(s *site) { s.status = 200 }, true, [32]byte{}, "health=ok"},
		"directly, disposition":      {agave(), func(s *site) { s.status, s.disposition = 200, true }, true, [32]byte{}, "health=ok"},
		"health of many words":       {agave(), func(s *site) { s.health = "ok, thank you for asking me" }, true, [32]byte{}, ""},
		"server header with garbage": {agave(), func(s *site) { s.server = "ev\xffil" + strings.Repeat("x", 99) }, true, [32]byte{}, "health=ok server=ev"},
		"long server header":         {agave(), func(s *site) { s.server = strings.Repeat("x", 99) }, true, [32]byte{}, "health=ok server=" + strings.Repeat("x", 48)},
		"no keep-alive":              {agave(), func(s *site) { s.close = true }, true, [32]byte{}, "health=ok"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.edit(tt.site)
			server := serve(t, tt.site)
			r := start(t, Config{URLs: []string{server.URL + "/"}})
			p := r.await(t, server.URL, whatever)
			want(t, "source", p.Source, discovery.Origin)
			want(t, "addresses", strings.Join(p.Entry.Addresses, " "), server.URL)
			want(t, "tags", strings.Join(p.Entry.Tags, " "), tt.tags)
			want(t, "streams", len(p.Entry.Streams), 1)
			s := p.Entry.Streams[0]
			want(t, "full", nameOf(s.Full, nil), tt.site.full)
			want(t, "size", s.Full.Size, 1<<20)
			want(t, "digest", s.Full.SHA256, tt.sum)
			want(t, "incremental", s.Incremental != nil, tt.incr)
			if tt.incr {
				want(t, "incremental", nameOf(*s.Incremental, &s.Full), tt.site.incr)
			}
		})
	}
}

// nameOf is the file name of an archive, on its base if it is an incremental.
func nameOf(a discovery.Archive, base *discovery.Archive) string {
	n := snapshot.Name{Slot: snapshot.Slot(a.Slot), Hash: snapshot.Hash(a.Hash)}
	if base != nil {
		n.Kind, n.Base = snapshot.Incremental, snapshot.Slot(base.Slot)
	}
	return n.String()
}

func TestOriginBelowAPathAndAbsoluteLocations(t *testing.T) {
	s := agave()
	mux := http.NewServeMux()
	server := serve(t, mux)
	s.prefix = strings.Replace(server.URL, "http://", "HTTP://", 1) + "/mainnet/"
	mux.Handle("/mainnet/", http.StripPrefix("/mainnet", s))
	r := start(t, Config{URLs: []string{server.URL + "/mainnet/"}})
	p := r.await(t, server.URL+"/mainnet", whatever)
	want(t, "slot", p.Entry.Streams[0].Slot(), 150)
	want(t, "address", p.Entry.Addresses[0], server.URL+"/mainnet")
}

// TestAgainstSolsnap has the real thing for a server.
func TestAgainstSolsnap(t *testing.T) {
	dir, health := t.TempDir(), snapshot.Health{State: snapshot.HealthBehind}
	zstd := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0, 1, 0, 0}
	for _, name := range []snapshot.Name{full100, incr150} {
		noError(t, os.WriteFile(filepath.Join(dir, name.String()), zstd, 0o600))
	}
	store, err := snapshot.NewStore(snapshot.Config{FullDir: dir, IncrementalDir: dir})
	noError(t, err)
	transfers := middleware.NewTransfers(middleware.Limits{}, nil)
	background(t, store.Run)
	background(t, transfers.Run)
	snapshots := middleware.Snapshots(middleware.SnapshotsConfig{
		Archives: store, Transfers: transfers, HealthStatusCodes: func() bool { return true },
		Genesis: func() (*os.File, error) { return nil, os.ErrNotExist },
		Health:  func() snapshot.Health { return health },
		Digest:  func(snapshot.Archive) ([32]byte, bool) { return [32]byte{9}, true },
	})(http.NotFoundHandler())
	server := serve(t, middleware.NewObserver(middleware.ObserveConfig{}).Middleware(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Server", "solsnap/1.2.3")
			snapshots.ServeHTTP(w, r)
		})))

	r := start(t, Config{URLs: []string{server.URL}, Interval: 20 * time.Millisecond, MaxRetry: 50 * time.Millisecond})
	p := r.await(t, server.URL, func(p *discovery.Peer) bool { return p.Entry.Streams[0].Incremental != nil })
	full := p.Entry.Streams[0].Full
	want(t, "size", full.Size, uint64(len(zstd)))
	want(t, "digest", full.SHA256, [32]byte{9})
	want(t, "server", tag(p, "server"), "solsnap/1.2.3")
	want(t, "health, with 503", tag(p, "health"), "behind")
}

func background(t testing.TB, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func TestDC65KeepAliveIsMeasuredAndDialingIsNot(t *testing.T) {
	for _, closes := range []bool{false, true} {
		s := agave()
		s.close, s.probes = closes, make(chan struct{})
		server := serve(t, s)
		r := start(t, Config{URLs: []string{server.URL}, Interval: time.Millisecond, Timeout: patience, MeasureBytes: -1})
		for range 5 {
			<-s.probes
		}
		p := r.peer(t, server.URL)
		key := p.Entry.Peer
		want(t, "has a round trip", p.RTT > 0, !closes)
		want(t, "is the estimate", p.RTT > 0, r.dir.Estimate(key, discovery.OverHTTP).SRTT > 0)
		want(t, "archives are described once", s.count("HEAD /"+s.full), 1)
		r.stop()
	}
}

func TestDigestIn(t *testing.T) {
	sum := base64.StdEncoding.EncodeToString(make([]byte, 31))
	for text, known := range map[string]bool{
		sum1: true, "sha-512=:AA==:, " + sum1: true, "": false, "sha-256=:" + sum + ":": false,
		"sha-256=:AQ==:": false, strings.TrimSuffix(sum1, ":"): false, strings.ToUpper(sum1): false,
	} {
		got := digestIn(http.Header{"Repr-Digest": {text}})
		want(t, text, got != [32]byte{}, known)
	}
}
