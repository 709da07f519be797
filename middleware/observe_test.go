package middleware

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestPanicAnswers500AndIsLoggedOnce(t *testing.T) {
	g := newRig(t, rigOptions{next: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })}, nil)
	resp, body := g.get("/")
	if resp.StatusCode != 500 || string(body) != "internal error\n" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
	g.log.await(t, "handler panicked")
	log := g.log.String()
	if strings.Count(log, "handler panicked") != 1 || !strings.Contains(log, "err=boom") || !strings.Contains(log, resp.Header.Get("X-Request-Id")) {
		t.Errorf("log:\n%s", log)
	}
}

func TestPanicAfterTheHeadClosesTheConnection(t *testing.T) {
	g := newRig(t, rigOptions{next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "half")
		panic("boom")
	})}, nil)
	resp, err := http.Get(g.URL)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("the client took half a body for a whole one")
	}
}

func TestRequestID(t *testing.T) {
	seen := map[string]bool{}
	handler := NewObserver(ObserveConfig{}).Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen[RequestID(r.Header)] = true
	}))
	for given, kept := range map[string]bool{
		"": false, "trace-1.a_B": true, "two words": false, "new\nline": false, strings.Repeat("x", 65): false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if given != "" {
			r.Header["X-Request-Id"] = []string{given}
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		id := w.Header().Get("X-Request-Id")
		if !seen[id] || id == "" || (id == given) != kept {
			t.Errorf("given %q: answered %q", given, id)
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d different IDs, want 5", len(seen))
	}
}

func TestAccessLogChoices(t *testing.T) {
	for choice, want := range map[AccessLog]string{AccessLogDownloads: "DEBUG", AccessLogAll: "INFO", AccessLogOff: ""} {
		var log strings.Builder
		o := NewObserver(ObserveConfig{AccessLog: choice, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		o.Middleware(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/x", nil))
		if want == "" && log.Len() > 0 || !strings.Contains(log.String(), want) {
			t.Errorf("%s: %q", choice, log.String())
		}
		if n := testutil.CollectAndCount(o.Collector(), "solsnap_http_requests_total"); n != 1 {
			t.Errorf("%s: %d series, want 1", choice, n)
		}
	}
}
