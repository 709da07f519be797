package api

import (
	"net/http"
	"strings"
	"testing"

	"solsnap/snapshot"
)

// TestOnlyExactRoutes: whatever is not a route to the byte is JSON-RPC's, with
// any method.
func TestOnlyExactRoutes(t *testing.T) {
	h := newServer(t, nil).Handler()
	for _, path := range []string{
		"/", "//livez", "/livez/", "/livez/x", "/Livez", "/%6Civez", "/./livez", "/x/../livez", "/v1", "/v1/", "/v1/snapshots/a/b",
		"/v1//snapshots", "/openapi.yaml/", "/openapi%2Eyaml", "/metrics", "/debug/pprof/",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "DELETE", "BREW"} {
			res, body := get(t, h, method, path)
			if want := "rpc " + method + " " + path; res.StatusCode != http.StatusOK || body != want {
				t.Errorf("%s %s: status %d, %q, want %q", method, path, res.StatusCode, body, want)
			}
		}
	}
}

func TestMethods(t *testing.T) {
	h := newServer(t, nil).Handler()
	for _, path := range []string{"/livez", "/readyz", "/v1/snapshots", "/v1/snapshots/" + full(100).Name.String(), "/openapi.yaml"} {
		whole, body := get(t, h, "GET", path)
		if whole.StatusCode != http.StatusOK || body == "" {
			t.Errorf("GET %s: status %d, %d bytes", path, whole.StatusCode, len(body))
		}
		// Without a socket nobody drops the body of HEAD, so it must be the same.
		if head, _ := get(t, h, "HEAD", path); head.StatusCode != whole.StatusCode ||
			head.Header.Get("Content-Length") != whole.Header.Get("Content-Length") ||
			head.Header.Get("Etag") != whole.Header.Get("Etag") {
			t.Errorf("HEAD %s: status %d, %v; GET has %v", path, head.StatusCode, head.Header, whole.Header)
		}
		if res, body := get(t, h, "OPTIONS", path); res.StatusCode != http.StatusNoContent || res.Header.Get("Allow") != allowed || body != "" {
			t.Errorf("OPTIONS %s: status %d, %v", path, res.StatusCode, res.Header)
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"} {
			res, body := get(t, h, method, path)
			if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != allowed || !strings.Contains(body, `"title":"method not allowed"`) {
				t.Errorf("%s %s: status %d, %v, %s", method, path, res.StatusCode, res.Header, body)
			}
		}
	}
}

func TestCrossOrigin(t *testing.T) {
	h := newServer(t, nil).Handler()
	res, _ := get(t, h, "GET", "/v1/snapshots", "Origin", "https://page.example")
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "https://page.example" {
		t.Errorf("the origin is answered with %q", got)
	}
	if res, _ := get(t, h, "GET", "/elsewhere", "Origin", "https://page.example"); len(res.Header["Access-Control-Allow-Origin"]) > 0 {
		t.Error("JSON-RPC's own CORS headers are not left to it")
	}
}

func TestReadiness(t *testing.T) {
	slot := func(n snapshot.Slot) *snapshot.Slot { return &n }
	for name, tt := range map[string]struct {
		edit   func(*Config)
		status int
		want   string
	}{
		"ready": {func(c *Config) {}, http.StatusOK,
			`{"ready":true,"reasons":[],"health":"unknown","slot":150,"clusterSlot":null,"slotsBehind":null,"draining":false,"genesis":true}`},
		"behind is ready": {func(c *Config) {
			c.Health = func() snapshot.Health { return snapshot.AssessHealth(slot(150), slot(1000), 128) }
		}, http.StatusOK,
			`{"ready":true,"reasons":[],"health":"behind","slot":150,"clusterSlot":1000,"slotsBehind":850,"draining":false,"genesis":true}`},
		"ok": {func(c *Config) {
			c.Health = func() snapshot.Health { return snapshot.AssessHealth(slot(150), slot(160), 128) }
		}, http.StatusOK,
			`{"ready":true,"reasons":[],"health":"ok","slot":150,"clusterSlot":160,"slotsBehind":0,"draining":false,"genesis":true}`},
		"no genesis": {func(c *Config) { c.Genesis = func() bool { return false } }, http.StatusServiceUnavailable,
			`{"ready":false,"reasons":["the genesis is not known"],"health":"unknown","slot":150,"clusterSlot":null,"slotsBehind":null,"draining":false,"genesis":false}`},
		"not scanned": {func(c *Config) { c.Archives = &shelf{unscanned: true} }, http.StatusServiceUnavailable,
			`{"ready":false,"reasons":["the snapshot directories have not been scanned yet","no snapshot to serve"],"health":"unknown","slot":null,"clusterSlot":null,"slotsBehind":null,"draining":false,"genesis":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			res, body := get(t, newServer(t, tt.edit).Handler(), "GET", "/readyz")
			if res.StatusCode != tt.status || body != tt.want+"\n" {
				t.Errorf("status %d, %s want %d, %s", res.StatusCode, body, tt.status, tt.want)
			}
			if got := res.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control is %q", got)
			}
		})
	}
}
