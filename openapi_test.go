package solsnap_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"solsnap"
	"solsnap/snapshot"
)

// exchange is a request and the status that it must get. It produces one
// described response.
type exchange struct {
	route  string // method and path as in openapi.yaml
	status int
	at     func(*house) string // who is asked; the stocked server by default
	target string              // path and query; that of the route by default
	header map[string]string
	body   string
	slow   bool // the body never comes
	// alone: HEAD is answered otherwise, and that is as it should be.
	alone bool
}

// TestContract holds the servers against openapi.yaml both ways: every route is
// described, every described response is produced, and what is produced is as
// described.
func TestContract(t *testing.T) {
	doc := loadContract(t)
	h := openHouse(t)
	produced := map[string]bool{}
	for _, x := range exchanges() {
		name := fmt.Sprintf("%s %d", x.route, x.status)
		produced[name] = true
		t.Run(name, func(t *testing.T) { x.hold(t, h, doc) })
	}
	all := described(doc)
	for _, name := range all {
		if !produced[name] {
			t.Errorf("no exchange produces the described response %s", name)
		}
	}
	for name := range produced {
		if !slices.Contains(all, name) {
			t.Errorf("openapi.yaml does not describe the response %s", name)
		}
	}
}

// TestRoutesAreDescribed: HEAD goes without saying where GET is described.
func TestRoutesAreDescribed(t *testing.T) {
	doc := loadContract(t)
	h := openHouse(t)
	for server, routes := range map[string]chi.Routes{"public": h.public.Routes(), "admin": h.admin.Routes()} {
		err := chi.Walk(routes, func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			if method == http.MethodHead {
				method = http.MethodGet
			}
			if item := doc.Paths.Value(path); item == nil || item.GetOperation(method) == nil {
				t.Errorf("openapi.yaml does not describe %s %s of the %s server", method, path, server)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// required are the parameters that methods cannot do without.
var required = map[string]string{
	"getBlockCommitment": "150",
	"getSlotLeaders":     "150,1",
	"isBlockhashValid":   `"` + snapshot.Hash{4}.String() + `"`,
}

// TestMethodsAreThere: the tables of JSON-RPC methods in the contract are true,
// and whole.
func TestMethodsAreThere(t *testing.T) {
	doc := loadContract(t)
	h := openHouse(t)
	rows := regexp.MustCompile("(?m)^\\| `(\\w+)`").FindAllStringSubmatch(doc.Paths.Value("/").Post.Description, -1)
	if len(rows) != h.methods {
		t.Errorf("the description of POST / has %d methods, want %d", len(rows), h.methods)
	}
	for _, row := range rows {
		body := `{"jsonrpc":"2.0","id":1,"method":"` + row[1] + `","params":[` + required[row[1]] + `]}`
		_, answer := send(t, newRequest(t, http.MethodPost, h.stocked, "/", map[string]string{"Content-Type": "application/json"}, body))
		if !strings.Contains(answer, `"result"`) {
			t.Errorf("%s is answered with %s", row[1], answer)
		}
	}
}

func loadContract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(solsnap.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return doc
}

// described are all responses of the document, as "METHOD path status".
func described(doc *openapi3.T) []string {
	var names []string
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status := range op.Responses.Map() {
				names = append(names, method+" "+path+" "+status)
			}
		}
	}
	return slices.Sorted(slices.Values(names))
}

// hold makes the exchange and validates it.
func (x exchange) hold(t *testing.T, h *house, doc *openapi3.T) {
	method, path, _ := strings.Cut(x.route, " ")
	if x.at == nil {
		x.at = (*house).atStocked
	}
	base, target := x.at(h), x.target
	if target == "" {
		target = path
	}
	r := newRequest(t, method, base, target, x.header, x.body)
	if x.slow {
		r.Body, r.ContentLength = io.NopCloser(never{r.Context()}), 10
	}
	res, body := send(t, r)
	if res.StatusCode != x.status {
		t.Fatalf("status %d, want %d: %.300s", res.StatusCode, x.status, body)
	}
	x.validate(t, doc, method, path, res, body)
	if method == http.MethodGet && !x.alone {
		sameHead(t, res, newRequest(t, http.MethodHead, base, target, x.header, x.body))
	}
}

func newRequest(t *testing.T, method, base, target string, header map[string]string, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, base+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Request-Id", "contract")
	for k, v := range header {
		if k == "Host" {
			r.Host = v
			continue
		}
		r.Header.Set(k, v)
	}
	return r
}

// never is a body that does not come.
type never struct{ context.Context }

func (n never) Read([]byte) (int, error) {
	<-n.Done()
	return 0, n.Err()
}

// send follows no redirect.
func send(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func (x exchange) validate(t *testing.T, doc *openapi3.T, method, path string, res *http.Response, body string) {
	t.Helper()
	item := doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		t.Fatalf("openapi.yaml does not describe %s", x.route)
	}
	target, _, _ := strings.Cut(strings.TrimPrefix(x.target, "/"), "?")
	input := &openapi3filter.RequestValidationInput{
		Request:    newRequest(t, method, "http://127.0.0.1", "/"+target, x.header, x.body),
		PathParams: pathParams(path, "/"+target),
		Route:      &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method)},
		Options:    &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if x.status < http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
			t.Errorf("the request is not as described: %v", err)
		}
	}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 res.StatusCode,
		Header:                 res.Header,
		Options:                input.Options,
	}
	if err := openapi3filter.ValidateResponse(t.Context(), output.SetBodyBytes([]byte(body))); err != nil {
		t.Errorf("the response is not as described: %v\n%v\n%.500s", err, res.Header, body)
	}
	answer := item.GetOperation(method).Responses.Status(x.status)
	if answer == nil {
		t.Fatalf("openapi.yaml does not describe the status %d of %s", x.status, x.route)
	}
	if len(answer.Value.Content) == 0 && res.Header.Get("Content-Type") == "application/json" && body != "" {
		t.Errorf("a body that is not described: %s", body)
	}
	sameFields(t, answer.Value.Headers, res.Header)
}

// pathParams are the values of the parameters of a path template.
func pathParams(template, path string) map[string]string {
	var pattern strings.Builder
	names := regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(template, -1)
	rest := template
	for _, name := range names {
		literal, after, _ := strings.Cut(rest, name[0])
		pattern.WriteString(regexp.QuoteMeta(literal) + `(?P<` + name[1] + `>[^/]+?)`)
		rest = after
	}
	values := regexp.MustCompile("^" + pattern.String() + regexp.QuoteMeta(rest) + "$").FindStringSubmatch(path)
	params := map[string]string{}
	for i, value := range values[min(1, len(values)):] {
		params[names[i][1]] = value
	}
	return params
}

// sameHead fails unless HEAD is answered as GET was, without a body.
func sameHead(t *testing.T, want *http.Response, r *http.Request) {
	t.Helper()
	got, body := send(t, r)
	if got.StatusCode != want.StatusCode || body != "" {
		t.Errorf("HEAD: status %d and %d bytes, want status %d and none", got.StatusCode, len(body), want.StatusCode)
	}
	if diff := cmp.Diff(lasting(want.Header), lasting(got.Header)); diff != "" {
		t.Errorf("HEAD has other header fields than GET:\n%s", diff)
	}
}

// lasting leaves out what differs from one response to the next, and the
// length of nothing, which HEAD need not say (RFC 9110 §8.6).
func lasting(h http.Header) http.Header {
	h = maps.Clone(h)
	for _, name := range []string{"Date", "Retry-After"} {
		h.Del(name)
	}
	if h.Get("Content-Length") == "0" {
		h.Del("Content-Length")
	}
	return h
}
