package api

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"solsnap/snapshot"
)

func TestListSnapshots(t *testing.T) {
	s := newServer(t, func(c *Config) {
		c.Digests = digests{full(100).Name: {SHA256: [32]byte{0xab}}}
	})
	res, body := get(t, s.Handler(), "GET", "/v1/snapshots")
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, %v", res.StatusCode, res.Header)
	}
	want := `{"servedPair":{"full":"snapshot-100-H100.tar.zst","incremental":"incremental-snapshot-100-150-H150.tar.zst"},"snapshots":[` +
		`{"name":"incremental-snapshot-100-150-H150.tar.zst","kind":"incremental","slot":150,"base":100,"hash":"H150","format":"tar.zst","size":1150,` +
		`"modified":"2026-07-01T12:00:00.123456789Z","etag":"\"47e-18be28a6fad84d15\"","url":"/incremental-snapshot-100-150-H150.tar.zst","served":true,"sha256":null},` +
		`{"name":"snapshot-100-H100.tar.zst","kind":"full","slot":100,"base":null,"hash":"H100","format":"tar.zst","size":1100,` +
		`"modified":"2026-07-01T12:00:00.123456789Z","etag":"\"44c-18be28a6fad84d15\"","url":"/snapshot-100-H100.tar.zst","served":true,` +
		`"sha256":"ab00000000000000000000000000000000000000000000000000000000000000"},` +
		`{"name":"snapshot-50-H50.tar.zst","kind":"full","slot":50,"base":null,"hash":"H50","format":"tar.zst","size":1050,` +
		`"modified":"2026-07-01T12:00:00.123456789Z","etag":"\"41a-18be28a6fad84d15\"","url":"/snapshot-50-H50.tar.zst","served":false,"sha256":null}]}` + "\n"
	if diff := cmp.Diff(want, shortHashes(body)); diff != "" {
		t.Error(diff)
	}
}

// shortHashes writes H100 for the hash of slot 100, and so on.
func shortHashes(s string) string {
	return strings.NewReplacer(
		full(50).Name.Hash.String(), "H50",
		full(100).Name.Hash.String(), "H100",
		incremental(100, 150).Name.Hash.String(), "H150",
	).Replace(s)
}

func TestListNothing(t *testing.T) {
	s := newServer(t, func(c *Config) { c.Archives = &shelf{} })
	if _, body := get(t, s.Handler(), "GET", "/v1/snapshots"); body != `{"servedPair":null,"snapshots":[]}`+"\n" {
		t.Errorf("got %s", body)
	}
}

func TestListFullWithoutIncremental(t *testing.T) {
	top := full(100)
	s := newServer(t, func(c *Config) {
		c.Archives = &shelf{archives: []snapshot.Archive{top}, pair: &snapshot.Pair{Full: top}}
	})
	_, body := get(t, s.Handler(), "GET", "/v1/snapshots")
	if want := `{"servedPair":{"full":"` + top.Name.String() + `","incremental":null},`; !strings.HasPrefix(body, want) {
		t.Errorf("got %s, want %s", body, want)
	}
}

// TestListOrder: the order is that of slots and names, whatever the store's is.
func TestListOrder(t *testing.T) {
	other := full(100)
	other.Name.Format = snapshot.FormatLZ4
	orders := [][]snapshot.Archive{
		{full(100), other, full(50), incremental(100, 150)},
		{full(50), incremental(100, 150), other, full(100)},
	}
	var bodies []string
	for _, order := range orders {
		s := newServer(t, func(c *Config) { c.Archives = &shelf{archives: order} })
		_, body := get(t, s.Handler(), "GET", "/v1/snapshots")
		bodies = append(bodies, body)
	}
	if bodies[0] != bodies[1] {
		t.Errorf("the order depends on the store:\n%s\n%s", bodies[0], bodies[1])
	}
	var list catalogue
	if err := json.Unmarshal([]byte(bodies[0]), &list); err != nil {
		t.Fatal(err)
	}
	for i, slot := range []snapshot.Slot{150, 100, 100, 50} {
		if list.Snapshots[i].Slot != slot {
			t.Errorf("entry %d is of slot %d, want %d", i, list.Snapshots[i].Slot, slot)
		}
	}
}

func TestDescribeSnapshot(t *testing.T) {
	name := full(100).Name
	digest := snapshot.Digest{SHA256: [32]byte{1}, Chunks: [][32]byte{{2}, {3}}}
	s := newServer(t, func(c *Config) { c.Digests = digests{name: digest} })
	_, body := get(t, s.Handler(), "GET", "/v1/snapshots/"+name.String())
	var got struct {
		entry
		ChunkSize int64
		Chunks    []string
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	want := describe(full(100), true, digest, true)
	if diff := cmp.Diff(want, got.entry); diff != "" {
		t.Error(diff)
	}
	chunks := []string{hex.EncodeToString(digest.Chunks[0][:]), hex.EncodeToString(digest.Chunks[1][:])}
	if diff := cmp.Diff(chunks, got.Chunks); diff != "" {
		t.Error(diff)
	}
	if got.ChunkSize != snapshot.ChunkSize {
		t.Errorf("chunkSize is %d", got.ChunkSize)
	}
}

func TestDescribeSnapshotWithoutDigest(t *testing.T) {
	s := newServer(t, nil)
	_, body := get(t, s.Handler(), "GET", "/v1/snapshots/"+full(50).Name.String())
	if want := `"sha256":null,"chunkSize":16777216,"chunks":null}` + "\n"; !strings.HasSuffix(body, want) {
		t.Errorf("got %s, want it to end in %s", body, want)
	}
}

// TestDescribeSnapshotChangesTag: each fact that can change changes the tag.
func TestDescribeSnapshotChangesTag(t *testing.T) {
	archives, known := stocked(), digests{}
	s := newServer(t, func(c *Config) { c.Archives, c.Digests = archives, known })
	target := "/v1/snapshots/" + full(100).Name.String()
	seen := map[string]string{}
	look := func(when string) {
		res, _ := get(t, s.Handler(), "GET", target)
		tag := res.Header.Get("Etag")
		if before, ok := seen[tag]; ok {
			t.Errorf("the tag %s is the same as %s", when, before)
		}
		seen[tag] = when
		if res, body := get(t, s.Handler(), "GET", target, "If-None-Match", tag); res.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("%s: status %d with its own tag", when, res.StatusCode)
		}
	}
	look("at first")
	known[full(100).Name] = snapshot.Digest{SHA256: [32]byte{1}, Chunks: [][32]byte{{1}}}
	look("with a digest")
	archives.change(func(s *shelf) { s.pair = nil })
	look("when not served")
	archives.change(func(s *shelf) { s.archives[1].Size++ })
	look("with another size")
}

func TestDescribeUnknown(t *testing.T) {
	s := newServer(t, nil)
	for name, path := range map[string]string{
		"not listed":  full(7).Name.String(),
		"no archive":  "snapshot-1-abc.tar.zst",
		"nothing":     "x",
		"traversal":   "..%2F..%2Fetc%2Fpasswd",
		"temporary":   "tmp-snapshot-archive-100.tar.zst",
		"longer":      full(100).Name.String() + "x",
		"percent":     "%73napshot-100-" + full(100).Name.Hash.String() + ".tar.zst",
		"double dots": "..",
	} {
		t.Run(name, func(t *testing.T) {
			res, body := get(t, s.Handler(), "GET", "/v1/snapshots/"+path, "X-Request-Id", "id7")
			want := `{"title":"no such snapshot","status":404,"detail":"No archive of this name is listed. GET /v1/snapshots lists those that are.","requestId":"id7"}` + "\n"
			if res.StatusCode != http.StatusNotFound || body != want || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("status %d, %s", res.StatusCode, body)
			}
		})
	}
}
