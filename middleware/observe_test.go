package middleware

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// TestDownloadLine: what is in the access log for each download.
func TestDownloadLine(t *testing.T) {
	const size = 2 << 20
	path := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(path, archiveBytes(size), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var log bytes.Buffer
	o := NewObserver(ObserveConfig{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	o.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(&snapshots{}).send(NewTransfers(Limits{}, nil).newTransfer(w, r, "x", "full", steady{}), f, size, time.Now())
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/x", nil))

	var line struct {
		Peer, Method, Path, Ended string
		Status                    int
		Bytes                     int64
		Duration                  time.Duration
		BytesPerSecond            int64 `json:"bytes_per_second"`
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, log.Bytes())
	}
	rate := int64(size / line.Duration.Seconds())
	if line.Peer != "192.0.2.1:1234" || line.Method != "GET" || line.Path != "/x" || line.Status != 200 || line.Ended != "complete" {
		t.Errorf("line is %s", log.Bytes())
	}
	if line.Bytes != size || line.Duration <= 0 || line.BytesPerSecond != rate {
		t.Errorf("%d bytes in %v are %d a second, want %d bytes and %d", line.Bytes, line.Duration, line.BytesPerSecond, int64(size), rate)
	}
}
