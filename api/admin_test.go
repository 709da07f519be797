package api

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"solsnap/middleware"
	"solsnap/snapshot"
)

func adminConfig() AdminConfig {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "solsnap_test", Help: "x"}, func() float64 { return 42 }))
	return AdminConfig{
		Address:  "127.0.0.1:0",
		Gatherer: registry,
		Status:   func() Status { return Status{Version: "1.2.3", Started: time.Now()} },
	}
}

func newAdmin(t testing.TB, edit func(*AdminConfig)) *Admin {
	t.Helper()
	cfg := adminConfig()
	if edit != nil {
		edit(&cfg)
	}
	a, err := NewAdmin(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAdminIsNotOpenToOthers(t *testing.T) {
	for address, open := range map[string]bool{
		"127.0.0.1:8898":   false,
		"127.9.9.9:8898":   false,
		"[::1]:8898":       false,
		"localhost:8898":   false,
		"0.0.0.0:8898":     true,
		"[::]:8898":        true,
		":8898":            true,
		"192.0.2.1:8898":   true,
		"example.com:8898": true,
	} {
		cfg := adminConfig()
		cfg.Address = address
		_, err := NewAdmin(cfg)
		if (err != nil) != open {
			t.Errorf("%s without a token: %v", address, err)
		}
		if open && (!strings.Contains(err.Error(), "--admin-address") || !strings.Contains(err.Error(), "--admin-token-file")) {
			t.Errorf("%s: %q does not name the flags", address, err)
		}
		cfg.Token = "secret"
		if _, err := NewAdmin(cfg); err != nil {
			t.Errorf("%s with a token: %v", address, err)
		}
	}
}

func TestAdminConfigIsChecked(t *testing.T) {
	if _, err := NewAdmin(AdminConfig{Address: "127.0.0.1:0"}); err == nil {
		t.Error("no error without a gatherer and a status")
	}
}

func TestAdminToken(t *testing.T) {
	h := newAdmin(t, func(c *AdminConfig) { c.Token = "secret" }).Handler()
	for authorization, want := range map[string]int{
		"Bearer secret":  http.StatusOK,
		"bearer  secret": http.StatusOK,
		"Bearer secre":   http.StatusUnauthorized,
		"Bearer secrett": http.StatusUnauthorized,
		"Bearer":         http.StatusUnauthorized,
		"Basic secret":   http.StatusUnauthorized,
		"secret":         http.StatusUnauthorized,
		"":               http.StatusUnauthorized,
	} {
		for _, path := range []string{"/metrics", "/admin/v1/status", "/debug/pprof/", "/debug/pprof/heap", "/none"} {
			if path == "/none" && want == http.StatusOK {
				continue
			}
			res, _ := get(t, h, "GET", path, "Authorization", authorization)
			if res.StatusCode != want {
				t.Errorf("%s with %q: status %d, want %d", path, authorization, res.StatusCode, want)
			}
			if challenge := res.Header.Get("WWW-Authenticate"); (challenge != "") != (want == http.StatusUnauthorized) {
				t.Errorf("%s with %q: challenge %q", path, authorization, challenge)
			}
		}
	}
}

// TestAdminRebinding: a web page that has given its name our address sends its
// name as Host.
func TestAdminRebinding(t *testing.T) {
	tokenless, guarded := newAdmin(t, nil), newAdmin(t, func(c *AdminConfig) { c.Token = "secret" })
	for host, want := range map[string]int{
		"127.0.0.1:8898":          http.StatusOK,
		"127.0.0.1":               http.StatusOK,
		"localhost:8898":          http.StatusOK,
		"LOCALHOST":               http.StatusOK,
		"[::1]:8898":              http.StatusOK,
		"[::1]":                   http.StatusOK,
		"evil.example:8898":       http.StatusMisdirectedRequest,
		"127.0.0.1.evil.example":  http.StatusMisdirectedRequest,
		"localhost.evil.example":  http.StatusMisdirectedRequest,
		"192.0.2.1:8898":          http.StatusMisdirectedRequest,
		"0.0.0.0:8898":            http.StatusMisdirectedRequest,
		"":                        http.StatusMisdirectedRequest,
		"127.0.0.1:8898@evil:123": http.StatusMisdirectedRequest,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/admin/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		w := &recorder{header: http.Header{}}
		tokenless.Handler().ServeHTTP(w, r)
		if w.status != want {
			t.Errorf("Host %q: status %d, want %d", host, w.status, want)
		}
		r.Header.Set("Authorization", "Bearer secret")
		w = &recorder{header: http.Header{}}
		guarded.Handler().ServeHTTP(w, r)
		if w.status != http.StatusOK {
			t.Errorf("Host %q with a token: status %d, want 200", host, w.status)
		}
	}
}

func FuzzLoopbackHost(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:1", "[::1]:2", "localhost", "[::1", "::1", "a:b:c", "[::ffff:127.0.0.1]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, hostPort string) {
		host := hostOf(hostPort)
		if !isLoopback(host) || strings.EqualFold(host, "localhost") {
			return
		}
		if ip := net.ParseIP(strings.Split(host, "%")[0]); ip == nil || !ip.IsLoopback() {
			t.Errorf("%q passes for loopback", hostPort)
		}
	})
}

func TestAdminRoutes(t *testing.T) {
	h := newAdmin(t, nil).Handler()
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/metrics":                        {http.StatusOK, "solsnap_test 42\n"},
		"/debug/pprof/":                   {http.StatusOK, "goroutine"},
		"/debug/pprof/goroutine?debug=1":  {http.StatusOK, "goroutine profile:"},
		"/debug/pprof/cmdline":            {http.StatusOK, "api.test"},
		"/debug/pprof/symbol":             {http.StatusOK, "num_symbols: 1"},
		"/debug/pprof/trace?seconds=0.01": {http.StatusOK, "go 1."},
		"/debug/pprof/none":               {http.StatusNotFound, "Unknown profile"},
		"/debug/pprof":                    {http.StatusNotFound, `"no such admin route"`},
		"/none":                           {http.StatusNotFound, `"no such admin route"`},
	} {
		res, body := get(t, h, "GET", path)
		if res.StatusCode != want.status || !strings.Contains(body, want.body) {
			t.Errorf("%s: status %d, %.200q; want %d, %q", path, res.StatusCode, body, want.status, want.body)
		}
	}
	if res, _ := get(t, h, "POST", "/metrics"); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: status %d, %v", res.StatusCode, res.Header)
	}
}

func TestAdminStatus(t *testing.T) {
	top, inc := full(100), incremental(100, 150)
	mine, cluster := snapshot.Slot(150), snapshot.Slot(1<<60)
	started := time.Now().Add(-90 * time.Minute)
	h := newAdmin(t, func(c *AdminConfig) {
		c.Status = func() Status {
			return Status{
				Version:        "1.2.3",
				Started:        started,
				Listeners:      []Listener{{"127.0.0.1:8899", "public"}},
				Served:         &snapshot.Pair{Full: top, Incremental: &inc},
				Archives:       3,
				Conflicts:      []string{"two fulls of slot 100"},
				Health:         snapshot.AssessHealth(&mine, &cluster, 128),
				Connections:    7,
				Transfers:      []middleware.Transfer{{Name: top.Name.String(), Sent: 5}},
				Limits:         middleware.Limits{MaxDownloads: 8, MinimumWindow: 30 * time.Second},
				DigestsPending: 2,
			}
		}
	}).Handler()
	_, body := get(t, h, "GET", "/admin/v1/status")
	var got statusDocument
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if got.UptimeSeconds < 5400 || got.UptimeSeconds > 5500 {
		t.Errorf("uptime is %d s, want 5400", got.UptimeSeconds)
	}
	for _, part := range []string{
		`"version":"1.2.3"`, `{"address":"127.0.0.1:8899","use":"public"}`, `"full":"` + top.Name.String(), `"incremental":"` + inc.Name.String(),
		`"archives":3`, `["two fulls of slot 100"]`, `{"state":"behind","slot":150,"clusterSlot":1152921504606846976,"slotsBehind":1152921504606846826}`,
		`"connections":7`, `"maxDownloads":8`, `"minimumWindowSeconds":30`, `"digestsPending":2`,
	} {
		if !strings.Contains(body, part) {
			t.Errorf("the status has no %s: %s", part, body)
		}
	}
	_, body = get(t, newAdmin(t, nil).Handler(), "GET", "/admin/v1/status")
	for _, part := range []string{`"listeners":[]`, `"conflicts":[]`, `"transfers":[]`, `"servedPair":null`} {
		if !strings.Contains(body, part) {
			t.Errorf("the empty status has no %s: %s", part, body)
		}
	}
}

// TestAdminStops: even while a profile is being taken.
func TestAdminStops(t *testing.T) {
	a := newAdmin(t, nil)
	a.endpoint.drain.timeout = 10 * time.Millisecond
	if err := a.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	conn, err := net.Dial("tcp", a.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	c := &rawClient{Conn: conn, t: t}
	defer c.Close()
	c.send("GET /debug/pprof/trace?seconds=600 HTTP/1.1\nHost: localhost\n\n")
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Run returned %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Run does not return")
	}
}
