package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
)

// field is a ledger with a full archive, and an incremental on it, and a directory
// to fetch into.
type field struct {
	t                 *testing.T
	dir               string // with the genesis and the archives
	full, incremental snapshot.Name
	genesis           snapshot.Hash
	target            string
	log               *logBuffer
}

// newField makes archives of about so many bytes, of the slots 1000 and 1040. The
// test runs beside others.
func newField(t *testing.T, size int64) *field {
	t.Helper()
	t.Parallel()
	return newFieldAt(t, size, 1000)
}

func newFieldAt(t *testing.T, size int64, slot snapshot.Slot) *field {
	t.Helper()
	f := &field{t: t, dir: t.TempDir(), target: filepath.Join(t.TempDir(), "target"), log: &logBuffer{}}
	ledger := archive.NewLedger(archive.LedgerConfig{Dir: f.dir, CreatedAt: time.Unix(1_700_000_000, 0), FullBytes: size, IncrementalBytes: 64 << 10})
	if err := ledger.WriteGenesis(); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.full, err = ledger.WriteFull(slot); err != nil {
		t.Fatal(err)
	}
	if f.incremental, err = ledger.WriteIncremental(slot, slot+40); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour) // so that they are listed at once
	for _, name := range []snapshot.Name{f.full, f.incremental} {
		if err := os.Chtimes(filepath.Join(f.dir, name.String()), old, old); err != nil {
			t.Fatal(err)
		}
	}
	bin, err := os.ReadFile(filepath.Join(f.dir, "genesis.bin"))
	if err != nil {
		t.Fatal(err)
	}
	f.genesis = archive.GenesisHash(bin)
	return f
}

func (f *field) content(name snapshot.Name) []byte {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, name.String()))
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

// serve is `solsnap serve` over the ledger.
func (f *field) serve(flags ...string) *server {
	f.t.Helper()
	s := startServe(f.t, nil, append([]string{"--ledger", f.dir, "--snapshots", f.dir}, flags...)...)
	s.log.await(f.t, "incremental="+f.incremental.String(), nil)
	return s
}

// fetched is what a run has printed.
type fetched struct {
	fetchResult
	code int
	err  error
}

// fetch runs `solsnap fetch --json` into the target.
func (f *field) fetch(flags ...string) fetched {
	f.t.Helper()
	return f.fetchUntil(context.Background(), flags...)
}

func (f *field) fetchUntil(ctx context.Context, flags ...string) (got fetched) {
	f.t.Helper()
	var out strings.Builder
	args := append([]string{"fetch", "--json", "--ledger", f.target, "--state-dir", f.t.TempDir(), "--discovery-timeout", "60s"}, flags...)
	got.err = run(ctx, args, strings.NewReader(""), &out, f.log)
	got.code = report(io.Discard, got.err)
	if err := json.Unmarshal([]byte(out.String()), &got.fetchResult); err != nil && got.code != exitUsage {
		f.t.Fatalf("%v: %q, %v\n%s", err, out.String(), got.err, f.log)
	}
	if got.OK != (got.err == nil) || (got.Error == nil) != (got.err == nil) {
		f.t.Errorf("%v, but prints %s", got.err, out.String())
	}
	return got
}

// succeeds says that a run did, and that the target has these archives, as they
// are, and nothing else but the genesis.
func (f *field) succeeds(got fetched, names ...snapshot.Name) {
	f.t.Helper()
	if got.err != nil {
		f.t.Errorf("%v\n%s", got.err, f.log)
	}
	f.has(names...)
}

// has says what is in the target, hidden files included.
func (f *field) has(names ...snapshot.Name) {
	f.t.Helper()
	entries, _ := os.ReadDir(f.target)
	there := map[string]bool{}
	for _, entry := range entries {
		there[entry.Name()] = true
	}
	delete(there, "genesis.bin")
	delete(there, "genesis.tar.bz2")
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(f.target, name.String()))
		if err != nil || !bytes.Equal(b, f.content(name)) {
			f.t.Errorf("%s is not the one that is served: %v\n%s", name, err, f.log)
		}
		delete(there, name.String())
	}
	if len(there) > 0 {
		f.t.Errorf("the target has %v besides", there)
	}
}

// origin is a server as Agave's: no ranges, no tags, no digests. What is set makes
// it less than that.
type plainOrigin struct {
	field *field
	// answer, if set, may answer for an archive itself, and reports whether it has.
	answer func(w http.ResponseWriter, r *http.Request, name snapshot.Name) bool
	ranges bool // as others have them

	mu     sync.Mutex
	asked  []string      // paths of GET requests; guarded by mu
	newest snapshot.Name // the incremental, if another than the field's; guarded by mu
}

// incremental is where the alias leads.
func (o *plainOrigin) incremental() snapshot.Name {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.newest != (snapshot.Name{}) {
		return o.newest
	}
	return o.field.incremental
}

func (o *plainOrigin) start() string {
	ts := httptest.NewServer(o)
	o.field.t.Cleanup(ts.Close)
	return ts.URL
}

func (o *plainOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		o.mu.Lock()
		o.asked = append(o.asked, strings.TrimPrefix(r.URL.Path, "/"))
		o.mu.Unlock()
	}
	redirect := func(name snapshot.Name) {
		w.Header()["location"] = []string{"/" + name.String()}
		w.WriteHeader(http.StatusSeeOther)
	}
	switch r.URL.Path {
	case "/snapshot.tar.bz2":
		redirect(o.field.full)
	case "/incremental-snapshot.tar.bz2":
		redirect(o.incremental())
	case "/" + o.field.full.String():
		o.serve(w, r, o.field.full)
	case "/" + o.incremental().String():
		o.serve(w, r, o.incremental())
	default:
		http.NotFound(w, r)
	}
}

func (o *plainOrigin) serve(w http.ResponseWriter, r *http.Request, name snapshot.Name) {
	content := o.field.content(name)
	switch {
	case r.Method == http.MethodGet && o.answer != nil && o.answer(w, r, name):
	case o.ranges:
		w.Header().Set("ETag", `"`+name.Hash.String()+`"`)
		http.ServeContent(w, r, name.String(), time.Time{}, bytes.NewReader(content))
	default:
		_, _ = writeWhole(w, content)
	}
}

func writeWhole(w http.ResponseWriter, content []byte) (int, error) {
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	return w.Write(content)
}

// times is how often a path was asked for by GET.
func (o *plainOrigin) times(path string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, asked := range o.asked {
		if asked == path {
			n++
		}
	}
	return n
}

// repacked is an archive whose unpacked bytes were edited.
func repacked(t *testing.T, content []byte, edit func([]byte)) []byte {
	t.Helper()
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	tar, err := decoder.DecodeAll(content, nil)
	if err != nil {
		t.Fatal(err)
	}
	edit(tar)
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	return encoder.EncodeAll(tar, nil)
}
