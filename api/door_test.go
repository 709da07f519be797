package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestConnectionCap(t *testing.T) {
	var book logbook
	r := start(t, func(c *Config) {
		c.MaxConnections = 2
		c.Logger = book.at(slog.LevelWarn)
	})
	inside := []*rawClient{r.dial(), r.dial()}
	for _, c := range inside {
		c.send("GET /livez HTTP/1.1\nHost: x\n\n")
		c.receive("GET")
	}

	for range 3 {
		c := r.dial()
		c.send("GET /livez HTTP/1.1\nHost: x\n\n")
		res, body := c.receive("GET")
		if res.StatusCode != http.StatusServiceUnavailable || !res.Close || body != "" {
			t.Errorf("above the cap: status %d, close %v, body %q", res.StatusCode, res.Close, body)
		}
		if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err != nil || s < 5 || s > 20 {
			t.Errorf("Retry-After is %q, want 5 to 20", res.Header.Get("Retry-After"))
		}
		c.receiveEnd()
	}
	wantMetrics(t, r.Server, map[string]float64{
		"solsnap_http_connections_open":                 2,
		"solsnap_http_connections_accepted_total":       2,
		"solsnap_http_connections_refused_total total":  3,
		"solsnap_http_connections_refused_total client": 0,
	})
	wantOneWarning(t, &book, "limit=total connections=2")

	for _, c := range inside {
		c.send("GET /livez HTTP/1.1\nHost: x\nConnection: close\n\n")
		c.receive("GET")
	}
	none(t, &r.endpoint.conns)
	c := r.dial()
	c.send("GET /livez HTTP/1.1\nHost: x\n\n")
	if res, _ := c.receive("GET"); res.StatusCode != http.StatusOK {
		t.Errorf("below the cap again: status %d", res.StatusCode)
	}
}

// TestCapPerClient: one client at its own maximum is turned away while there are
// places left, and let in again when it has closed a connection.
func TestCapPerClient(t *testing.T) {
	var book logbook
	r := start(t, func(c *Config) {
		c.MaxConnectionsPerClient = 1
		c.Logger = book.at(slog.LevelWarn)
	})
	inside := r.dial()
	inside.send("GET /livez HTTP/1.1\nHost: x\n\n")
	inside.receive("GET")
	if res, _ := r.dial().receive("GET"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("second connection: status %d", res.StatusCode)
	}
	wantMetrics(t, r.Server, map[string]float64{
		"solsnap_http_connections_open":                 1,
		"solsnap_http_connections_accepted_total":       1,
		"solsnap_http_connections_refused_total total":  0,
		"solsnap_http_connections_refused_total client": 1,
	})
	wantOneWarning(t, &book, "limit=client connections=1")
	inside.send("GET /livez HTTP/1.1\nHost: x\nConnection: close\n\n")
	inside.receive("GET")
	none(t, &r.endpoint.conns)
	c := r.dial()
	c.send("GET /livez HTTP/1.1\nHost: x\n\n")
	if res, _ := c.receive("GET"); res.StatusCode != http.StatusOK {
		t.Errorf("after it has closed: status %d", res.StatusCode)
	}
}

// TestCapUnderFlood: clients that are turned away and never ask nor close do not
// hold up those that come after.
func TestCapUnderFlood(t *testing.T) {
	r := start(t, func(c *Config) { c.MaxConnections = 1 })
	inside := r.dial()
	inside.send("GET /livez HTTP/1.1\nHost: x\n\n")
	inside.receive("GET")
	for range lingerMost + 50 {
		if res, _ := r.dial().receive("GET"); res.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("status %d above the cap", res.StatusCode)
		}
	}
	inside.send("GET /livez HTTP/1.1\nHost: x\nConnection: close\n\n")
	inside.receive("GET")
	none(t, &r.endpoint.conns)

	c := r.dial()
	c.send("GET /livez HTTP/1.1\nHost: x\n\n")
	if res, _ := c.receive("GET"); res.StatusCode != http.StatusOK {
		t.Errorf("status %d after the flood", res.StatusCode)
	}
	if got := r.endpoint.total.refused.Load(); got != lingerMost+50 {
		t.Errorf("%d turned away, want %d", got, lingerMost+50)
	}
}

// wantOneWarning fails unless it was logged once, with what is wanted, that
// connections were turned away.
func wantOneWarning(t *testing.T, book *logbook, want string) {
	t.Helper()
	log := book.String()
	if strings.Count(log, "turned away") != 1 || !strings.Contains(log, want) {
		t.Errorf("want one warning with %s; logged:\n%s", want, log)
	}
}

// wantMetrics compares the values of a server's collector, each by its name and
// the values of its labels.
func wantMetrics(t *testing.T, s *Server, want map[string]float64) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(s.Collector()); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("metrics are %v, want %v", got, want)
	}
}
