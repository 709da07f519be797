package middleware

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"solsnap/snapshot"
)

// TestDecisionOrder has one row for each kind of path; 418 is the next handler.
func TestDecisionOrder(t *testing.T) {
	g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: archiveBytes(64), incremental: archiveBytes(32)})
	unknown := snapshot.Name{Kind: snapshot.Full, Slot: 999, Hash: snapshot.Hash{1}}
	for _, c := range []struct{ target, status string }{
		{"/snapshot.tar.bz2", "303"},
		{"/snapshot.tar.zst", "303"},
		{"/snapshot.tar.bz2?x=1", "303"},
		{"/incremental-snapshot.tar.bz2", "303"},
		{"/incremental-snapshot.tar.zst", "303"},
		{"//snapshot.tar.bz2", "418"},
		{"/snapshot.tar.bz2/", "418"},
		{"/snapshot%2Etar.bz2", "418"},
		{"/%73napshot.tar.bz2", "418"},
		{"/./snapshot.tar.bz2", "418"},
		{"/snapshot.tar.lz4", "418"},
		{"/" + full.String(), "200"},
		{"/" + full.String() + "?x", "200"},
		{"/" + incremental.String(), "200"},
		{"/" + unknown.String(), "404"},
		{"/snapshot-1-abc.tar.zst", "404"},
		{"/snapshot-0100-" + full.Hash.String() + ".tar.zst", "404"},
		{"/snapshot-99999999999999999999999-1.tar.zst", "404"},
		{"/incremental-snapshot-5-4-" + full.Hash.String() + ".tar.zst", "404"},
		{"/" + strings.Replace(full.String(), "tar.zst", "tar.bz2", 1), "418"},
		{"/" + strings.Replace(full.String(), ".tar.zst", ".tar", 1), "418"},
		{"/remote/" + full.String(), "418"},
		{"/tmp-" + full.String(), "418"},
		{"/snapshot-1-../../etc/passwd.tar.zst", "418"},
		{"/genesis.tar.bz2", "404"},
		{"/health", "200"},
		{"/health/", "418"},
		{"/v0/total-supply", "404"},
		{"/v0/circulating-supply", "404"},
		{"/v0/other", "418"},
		{"/", "418"},
	} {
		t.Run(c.target, func(t *testing.T) {
			head, _ := g.do("GET " + c.target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			if !strings.HasPrefix(head, "HTTP/1.1 "+c.status) {
				t.Errorf("got %.40q, want %s", head, c.status)
			}
		})
	}
}

func TestRedirectIsAPathInALowerCaseLocation(t *testing.T) {
	g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: archiveBytes(64), incremental: archiveBytes(32)})
	for path, want := range map[string]string{
		"/snapshot.tar.bz2":             "/" + full.String(),
		"/incremental-snapshot.tar.bz2": "/" + incremental.String(),
	} {
		for _, method := range []string{"GET", "HEAD"} {
			head, body := g.do(method + " " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			if !strings.Contains(head, "\r\nlocation: "+want+"\r\n") {
				t.Errorf("%s %s: no lower-case location %s in %q", method, path, want, head)
			}
			if strings.Contains(head, "Content-Type") {
				t.Errorf("%s %s: content type in %q", method, path, head)
			}
			if method == "GET" && string(body) != want {
				t.Errorf("%s %s: body %q, want %q", method, path, body, want)
			}
		}
	}
}

func TestOtherMethodsAreRefusedWithAllow(t *testing.T) {
	g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: archiveBytes(64)})
	for _, path := range []string{"/snapshot.tar.bz2", "/" + full.String(), "/genesis.tar.bz2", "/health", "/v0/total-supply"} {
		head, _ := g.do("POST " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		if !strings.HasPrefix(head, "HTTP/1.1 405") || !strings.Contains(head, "Allow: GET, HEAD, OPTIONS\r\n") {
			t.Errorf("POST %s: %q", path, head)
		}
		head, _ = g.do("OPTIONS " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(head, "HTTP/1.1 204") || !strings.Contains(head, "Allow: GET, HEAD, OPTIONS\r\n") {
			t.Errorf("OPTIONS %s: %q", path, head)
		}
	}
}

func TestHealthWords(t *testing.T) {
	for _, strict := range []bool{false, true} {
		for state, status := range map[snapshot.HealthState]int{
			snapshot.HealthOK: 200, snapshot.HealthBehind: 503, snapshot.HealthUnknown: 503,
		} {
			g := newRig(t, rigOptions{cfg: func(c *SnapshotsConfig) {
				c.HealthStatusCodes = func() bool { return strict }
				c.Health = func() snapshot.Health { return snapshot.Health{State: state} }
			}}, nil)
			resp, body := g.get("/health")
			if !strict {
				status = 200
			}
			if resp.StatusCode != status || string(body) != state.String() || resp.Header.Get("Content-Type") != "" {
				t.Errorf("strict %v, %v: %d %q %v", strict, state, resp.StatusCode, body, resp.Header)
			}
		}
	}
}

func TestSupplyInSOL(t *testing.T) {
	for lamports, want := range map[uint64]string{
		500_000_000_000_000_000: "500000000", 500_000_000: "0.5", 123_000_000_001: "123.000000001", 0: "0",
	} {
		g := newRig(t, rigOptions{cfg: func(c *SnapshotsConfig) {
			c.TotalSupply = func(context.Context) (uint64, error) { return lamports, nil }
			c.CirculatingSupply = func(context.Context) (uint64, error) { return 1, nil }
		}}, nil)
		if _, body := g.get("/v0/total-supply"); string(body) != want {
			t.Errorf("total: got %q, want %q", body, want)
		}
		if _, body := g.get("/v0/circulating-supply"); string(body) != "0.000000001" {
			t.Errorf("circulating: got %q", body)
		}
	}
}

func TestSupplyUnknownIsAnEmpty404(t *testing.T) {
	g := newRig(t, rigOptions{cfg: func(c *SnapshotsConfig) {
		c.TotalSupply = func(context.Context) (uint64, error) { return 0, errors.New("no upstream") }
	}}, nil)
	for _, path := range []string{"/v0/total-supply", "/v0/circulating-supply"} {
		if resp, body := g.get(path); resp.StatusCode != 404 || len(body) != 0 {
			t.Errorf("%s: got %d %q", path, resp.StatusCode, body)
		}
	}
}

func TestGenesisIsServedWithRanges(t *testing.T) {
	g := newRig(t, rigOptions{}, nil)
	if err := os.WriteFile(filepath.Join(g.dir, "genesis.tar.bz2"), []byte("BZh91AY"), 0o644); err != nil {
		t.Fatal(err)
	}
	resp, body := g.get("/genesis.tar.bz2", "Range", "bytes=-3")
	if resp.StatusCode != http.StatusPartialContent || string(body) != "1AY" || resp.Header.Get("Content-Type") != "application/x-bzip2" {
		t.Errorf("got %d %q %v", resp.StatusCode, body, resp.Header)
	}
}

func TestFileOpenFailureIsAnEmpty500AndLogged(t *testing.T) {
	g := newRig(t, rigOptions{cfg: func(c *SnapshotsConfig) {
		c.Genesis = func() (*os.File, error) { return nil, errors.New("too many open files") }
	}}, nil)
	if resp, body := g.get("/genesis.tar.bz2"); resp.StatusCode != 500 || len(body) != 0 {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
	g.log.await(t, "too many open files")
}

func TestCORS(t *testing.T) {
	g := newRig(t, rigOptions{next: CORS("OPTIONS, POST")(http.NotFoundHandler())},
		map[snapshot.Name][]byte{full: archiveBytes(64)})
	host := strings.TrimPrefix(g.URL, "http://")
	for _, c := range []struct{ path, origin, want string }{
		{"/" + full.String(), "https://Explorer.example", "https://explorer.example"},
		{"/", "https://explorer.example", "https://explorer.example"},
		{"/", "null", "null"},
		{"/", "http://" + host, ""},
		{"/", "", ""},
	} {
		header := []string{"Access-Control-Request-Headers", "content-type"}
		if c.origin != "" {
			header = append(header, "Origin", c.origin)
		}
		resp, _ := g.get(c.path, header...)
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != c.want {
			t.Errorf("%s from %q: allowed origin %q, want %q", c.path, c.origin, got, c.want)
		}
		if c.want != "" && (resp.Header.Get("Vary") != "origin" || resp.Header.Get("Access-Control-Max-Age") != "86400" ||
			resp.Header.Get("Access-Control-Allow-Headers") != "content-type") {
			t.Errorf("%s from %q: %v", c.path, c.origin, resp.Header)
		}
	}
}
