package rpc

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"solsnap/snapshot"
)

// served is the pair of the conformance vectors: a full at 100 and an
// incremental from there to 150.
func served() (snapshot.Pair, bool) {
	incremental := snapshot.Archive{Name: snapshot.Name{Kind: snapshot.Incremental, Base: 100, Slot: 150}}
	return snapshot.Pair{
		Full:        snapshot.Archive{Name: snapshot.Name{Slot: 100}},
		Incremental: &incremental,
	}, true
}

func none() (snapshot.Pair, bool) { return snapshot.Pair{}, false }

func node() NodeMethods {
	return NodeMethods{
		FeatureSet:  3345198602,
		Version:     "4.1.0",
		Identity:    "SoLid11111111111111111111111111111111111111",
		GenesisHash: func() (snapshot.Hash, bool) { return snapshot.Hash{31: 1}, true },
		Served:      served,
		Health:      func() snapshot.Health { return snapshot.Health{State: snapshot.HealthOK} },
	}
}

// serve starts a server that answers by the receivers.
func serve(t testing.TB, config Config, receivers ...any) string {
	t.Helper()
	s := NewServer(config)
	for _, receiver := range receivers {
		if err := s.Register(receiver); err != nil {
			t.Fatal(err)
		}
	}
	return serveHandler(t, s)
}

func serveHandler(t testing.TB, handler http.Handler) string {
	t.Helper()
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	return web.URL
}

type response struct {
	status int
	header http.Header
	body   string
}

// post sends a body as application/json and reads the whole response.
func post(t testing.TB, url, body string) response {
	t.Helper()
	return send(t, http.MethodPost, url, "application/json", strings.NewReader(body))
}

func send(t testing.TB, method, url, contentType string, body io.Reader) response {
	t.Helper()
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	request.Header.Set("X-Request-Id", "request-7")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{answer.StatusCode, answer.Header, string(text)}
}

// expect posts body and compares the answer's bytes. Every answer with a body
// ends in a newline, which want leaves out.
func expect(t *testing.T, url, body, want string) {
	t.Helper()
	if want != "" {
		want += "\n"
	}
	got := post(t, url, body)
	if got.status != http.StatusOK || got.body != want {
		t.Errorf("%s\n got %d %q\nwant 200 %q", body, got.status, got.body, want)
	}
	if got := got.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type is %q", got)
	}
}

// lines is a log to look at.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
