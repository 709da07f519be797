package api

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"solsnap/snapshot"
)

func TestProblemOf(t *testing.T) {
	_, nameError := snapshot.ParseName("x")
	for name, tt := range map[string]struct {
		err  error
		want int
	}{
		"missing": {fmt.Errorf("open: %w", fs.ErrNotExist), http.StatusNotFound},
		"no name": {fmt.Errorf("path: %w", nameError), http.StatusNotFound},
		"method":  {errMethod, http.StatusMethodNotAllowed},
		"other":   {errors.New("disk on fire"), http.StatusInternalServerError},
	} {
		if got := problemOf(tt.err); got.Status != tt.want {
			t.Errorf("%s: status %d, want %d", name, got.Status, tt.want)
		}
	}
}

// TestCauseIsForTheLog: the client gets the ID by which the log has the cause.
func TestCauseIsForTheLog(t *testing.T) {
	var book logbook
	s := newServer(t, func(c *Config) { c.Logger = book.at(slog.LevelError) })
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, errors.New("disk on fire"))
	})
	_, body := get(t, h, "GET", "/v1/snapshots", "X-Request-Id", "id7")
	if want := `{"title":"internal error","status":500,"requestId":"id7"}` + "\n"; body != want {
		t.Errorf("got %s, want %s", body, want)
	}
	if log := book.String(); !strings.Contains(log, "disk on fire") || !strings.Contains(log, "request=id7") {
		t.Errorf("logged %s", log)
	}
}

func TestServerLogLevels(t *testing.T) {
	for line, want := range map[string]string{
		"http: TLS handshake error from 192.0.2.1:1: EOF\n":                               "level=DEBUG",
		"http2: server connection error from 192.0.2.1:1: PROTOCOL_ERROR\n":               "level=DEBUG",
		"http: panic serving 192.0.2.1:1: oh\n":                                           "level=ERROR",
		"http: Accept error: accept tcp4: too many open files; retrying in 5ms\n":         "level=ERROR",
		"http: superfluous response.WriteHeader call from solsnap/api.writeBody (x.go:1)": "level=ERROR",
	} {
		var book logbook
		if _, err := newServerLog(book.at(slog.LevelDebug)).Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if got := book.String(); !strings.Contains(got, want) || !strings.Contains(got, strings.TrimSpace(line)) {
			t.Errorf("%q is logged as %s, want %s", line, got, want)
		}
	}
}

// TestAcceptErrorsAreNoFlood: net/http reports one each second for as long as it
// has no descriptor left, which clients bring about.
func TestAcceptErrorsAreNoFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const line = "http: Accept error: accept tcp4: too many open files; retrying in 1s\n"
		var book logbook
		l := newServerLog(book.at(slog.LevelDebug))
		for range 2 * 60 {
			if _, err := l.Write([]byte(line)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		log := book.String()
		if errors, rest := strings.Count(log, "level=ERROR"), strings.Count(log, "level=DEBUG"); errors != 2 || rest != 118 {
			t.Errorf("%d errors and %d lines of debug in two minutes, want 2 and 118", errors, rest)
		}
	})
}
