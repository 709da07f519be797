package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestConditional(t *testing.T) {
	s := newServer(t, nil)
	for _, path := range []string{"/openapi.yaml", "/v1/snapshots", "/v1/snapshots/" + full(100).Name.String()} {
		t.Run(path, func(t *testing.T) {
			res, whole := get(t, s.Handler(), "GET", path)
			tag := res.Header.Get("Etag")
			for condition, want := range map[string]int{
				tag:                    http.StatusNotModified,
				"W/" + tag:             http.StatusNotModified,
				`"other", ` + tag:      http.StatusNotModified,
				"*":                    http.StatusNotModified,
				`"other"`:              http.StatusOK,
				strings.Trim(tag, `"`): http.StatusOK,
				"":                     http.StatusOK,
			} {
				res, body := get(t, s.Handler(), "GET", path, "If-None-Match", condition)
				if res.StatusCode != want {
					t.Errorf("%q: status %d, want %d", condition, res.StatusCode, want)
				}
				if want == http.StatusNotModified && body != "" || want == http.StatusOK && body != whole {
					t.Errorf("%q: body of %d bytes", condition, len(body))
				}
				if res.Header.Get("Etag") != tag || res.Header.Get("Cache-Control") != "no-cache" {
					t.Errorf("%q: %v", condition, res.Header)
				}
			}
		})
	}
}

func FuzzMatchesAny(f *testing.F) {
	const tag = `"0123456789abcdef0123456789abcdef"`
	for _, seed := range []string{tag, "W/" + tag, `"a", ` + tag, "*", `"a,b",*`, "", ",,,", `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, condition string) {
		got := matchesAny([]string{condition}, tag)
		if got && !strings.Contains(condition, tag) && !strings.Contains(condition, "*") {
			t.Errorf("%q matches", condition)
		}
		if !got && slices.Contains(strings.Split(condition, ", "), tag) {
			t.Errorf("%q does not match", condition)
		}
	})
}
