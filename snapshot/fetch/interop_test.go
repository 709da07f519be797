package fetch_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"solsnap/api"
	"solsnap/middleware"
	"solsnap/snapshot"
	"solsnap/snapshot/fetch"
)

var name = snapshot.Name{Kind: snapshot.Full, Slot: 7, Hash: snapshot.Hash{7}}

// ourServer is the server of this repository over one archive.
func ourServer(t *testing.T, content []byte) (url string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name.String()), content, 0o644); err != nil {
		t.Fatal(err)
	}
	store, err := snapshot.NewStore(snapshot.Config{FullDir: dir, SettleTime: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	digester := snapshot.NewDigester(snapshot.DigesterConfig{Store: store, Rate: 1 << 32})
	run(t, store.Run)
	run(t, digester.Run)
	server, err := api.NewServer(api.Config{
		Listeners: []string{"127.0.0.1:0"}, Archives: store, Digests: digester, OpenAPI: []byte("openapi: 3.1.0\n"),
		RPC: http.NotFoundHandler(),
		Middleware: []func(http.Handler) http.Handler{middleware.Snapshots(middleware.SnapshotsConfig{
			Archives: store, Transfers: middleware.NewTransfers(middleware.Limits{}, slog.New(slog.DiscardHandler)),
			Genesis: func() (*os.File, error) { return nil, os.ErrNotExist },
			Health:  func() snapshot.Health { return snapshot.Health{} },
			Digest: func(a snapshot.Archive) ([32]byte, bool) {
				d, ok := digester.Lookup(a)
				return d.SHA256, ok
			},
			Logger: slog.New(slog.DiscardHandler),
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewUnstartedServer(server.Handler())
	ts.Config.ConnContext = middleware.ConnContext
	ts.Start()
	t.Cleanup(ts.Close)
	awaitDigest(t, store, digester)
	return ts.URL
}

func awaitDigest(t *testing.T, store *snapshot.Store, digester *snapshot.Digester) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if a, ok := store.Lookup(name); ok {
			if _, ok := digester.Lookup(a); ok {
				return
			}
		}
	}
	t.Fatal("the server has no digest of its archive")
}

// TestOurServers fetches from two of them, with the digests that they publish.
func TestOurServers(t *testing.T) {
	content := make([]byte, snapshot.ChunkSize+1<<20)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(content)
	copy(content, []byte{0x28, 0xb5, 0x2f, 0xfd}) // zstd's magic
	dir := t.TempDir()
	d, err := fetch.New(fetch.Config{Dir: dir, Name: name, Sources: []string{ourServer(t, content), ourServer(t, content) + "/snapshot.tar.bz2"}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !p.Proven() {
		t.Error("the digests of our own servers were not used")
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, name.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, content) {
		t.Errorf("archive has %d bytes, %v", len(got), err)
	}
	for _, s := range d.Progress().Sources {
		if !s.Used {
			t.Errorf("%s was not joined: %v", s.URL, s.Err)
		}
	}
}

// run runs until the end of the test.
func run(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
