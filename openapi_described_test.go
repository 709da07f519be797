package solsnap_test

import (
	"cmp"
	"iter"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestNothingElseIsAnswered asks every path with every method, and with header
// fields in which clients differ, in every state of the house: the exchanges
// prove that what is described comes, this that nothing else does.
func TestNothingElseIsAnswered(t *testing.T) {
	doc := loadContract(t)
	h := openHouse(t)
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		bases := []string{h.stocked, h.bare, h.full, h.limited}
		if len(doc.Paths.Value(path).Servers) > 0 {
			bases = []string{h.open, h.guarded}
		}
		for _, base := range bases {
			for _, header := range habits {
				answersAsDescribed(t, doc, "GET "+path, base, header)
				answersAsDescribed(t, doc, "HEAD "+path, base, header)
			}
			for _, method := range []string{"OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} {
				answersAsDescribed(t, doc, method+" "+path, base, nil)
				answersAsDescribed(t, doc, method+" "+path, base, fields{"Origin": "null", "Content-Type": "application/json", "Host": "rebound.example"})
			}
		}
	}
}

// answersAsDescribed fails unless the response has a status that is described.
func answersAsDescribed(t *testing.T, doc *openapi3.T, route, base string, header fields) {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	status := answered(t, newRequest(t, method, base, targetOf(path), header, ""))
	if stands(doc.Paths.Value(path), path, method).Responses.Status(status) == nil {
		t.Errorf("%s with %v: status %d, which openapi.yaml does not describe", route, header, status)
	}
}

// habits are header fields of different clients.
var habits = []fields{
	nil,
	{"Origin": "https://page.example", "Access-Control-Request-Method": "POST"},
	{"Range": "bytes=0-0", "If-Range": `"other"`},
	{"Range": "bytes=0-0,5-9"},
	{"Range": "bytes=999999999-"},
	{"Range": "bytes=19-10"},
	{"Range": "lines=1-2"},
	{"If-Match": `"other"`, "If-None-Match": "*"},
	{"If-None-Match": "*"},
	{"If-Modified-Since": "Thu, 01 Jan 2060 00:00:00 GMT"},
	{"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:01 GMT"},
	{"Content-Type": "application/json", "Accept": "text/csv", "Accept-Encoding": "br"},
	{"Host": "rebound.example"},
	{"Authorization": "Bearer " + token},
	{"Authorization": "Basic eDp5"},
}

// answered is the status of the response. The body, which may be an archive, is
// left.
func answered(t *testing.T, r *http.Request) int {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// stands is the operation that describes the method: HEAD goes with GET, and
// one that is not listed with that which is listed with a 405.
func stands(item *openapi3.PathItem, path, method string) *openapi3.Operation {
	rest := item.Post
	if path == "/" {
		rest = item.Get
	}
	switch method {
	case http.MethodGet, http.MethodHead:
		return item.Get
	case http.MethodPost:
		return item.Post
	case http.MethodOptions:
		return cmp.Or(item.Options, rest)
	default:
		return rest
	}
}

// everywhere are the header fields of any response; openapi.yaml speaks of them
// in its description, if at all.
var everywhere = regexp.MustCompile("^(Connection|Content-Length|Content-Type|Date|Vary|X-Content-Type-Options|X-Request-Id|Access-Control-.*)$")

// sameFields fails unless the response has the header fields that are described,
// and no others. (openapi3filter has no eye for the others, nor for a 304.)
func sameFields(t *testing.T, described openapi3.Headers, got http.Header) {
	t.Helper()
	described = maps.Collect(canonical(maps.All(described)))
	for name := range canonical(maps.All(got)) {
		if described[name] == nil && !everywhere.MatchString(name) {
			t.Errorf("the header field %s is not described", name)
		}
	}
	for name, field := range described {
		if field.Value.Required && len(got[name]) == 0 && len(got[strings.ToLower(name)]) == 0 {
			t.Errorf("the header field %s is missing", name)
		}
	}
}

// canonical spells header names as net/http does.
func canonical[V any](fields iter.Seq2[string, V]) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for name, field := range fields {
			if !yield(http.CanonicalHeaderKey(name), field) {
				return
			}
		}
	}
}
