package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"solsnap/snapshot/fetch"
)

// TestFetchDialsNoNeighbours, whoever sends us there.
func TestFetchDialsNoNeighbours(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for name, tt := range map[string]struct {
		private bool
		origins []string
		want    string // in the error; "" for none
	}{
		"a stranger":        {false, nil, "127.0.0.1 is a private address; --allow-private-addr"},
		"in a cluster":      {true, nil, ""},
		"a named one":       {false, []string{server.URL + "/"}, ""},
		"another was named": {false, []string{"http://127.0.0.1:1"}, "private address"},
	} {
		t.Run(name, func(t *testing.T) {
			transport := fetchTransport(tt.private, tt.origins)
			defer transport.CloseIdleConnections()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := transport.RoundTrip(request)
			if err == nil {
				response.Body.Close()
			}
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestFetchExitCodes: scripts rely on them.
func TestFetchExitCodes(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		code int
	}{
		"nobody has it":  {&fetch.Error{Reason: fetch.ErrNoSource}, 4},
		"another's":      {&fetch.Error{Reason: fetch.ErrName}, 4},
		"nobody to be":   {fetchErrorf(untrusted, "nobody"), 5},
		"too slow":       {&fetch.Error{Reason: fetch.ErrTooSlow}, 6},
		"too late":       {fmt.Errorf("%w 1s", errTimeout), 6},
		"bad":            {&fetch.Error{Reason: fetch.ErrVerification}, 3},
		"full":           {&fetch.Error{Reason: fetch.ErrDisk}, 7},
		"interrupted":    {fmt.Errorf("fetch: %w", context.Canceled), 1},
		"something else": {errors.New("else"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			err := explained(tt.err)
			if code := report(&logBuffer{}, err); code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
		})
	}
	for _, tt := range [][3]fetchKind{{noSource, verification, verification}, {diskTrouble, verification, diskTrouble}, {"", noSource, noSource}, {"", "", ""}} {
		if got := worse(tt[0], tt[1]); got != tt[2] {
			t.Errorf("of %q and %q: %q", tt[0], tt[1], got)
		}
	}
}
