package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

type oddMethods struct{}

func (oddMethods) Panics(*http.Request, *Params, *any) error { panic("secret of a panic") }

func (oddMethods) Fails(*http.Request, *Params, *any) error { return errors.New("secret of an error") }

func (oddMethods) Missing(*http.Request, *Params, *any) error {
	return fmt.Errorf("open archive: %w", fs.ErrNotExist)
}

func (oddMethods) Wraps(*http.Request, *Params, *any) error {
	return fmt.Errorf("in short: %w", &Error{Code: -32012, Message: "<scan>", Data: []int{1}})
}

func (oddMethods) Unencodable(_ *http.Request, _ *Params, result *any) error {
	*result = math.NaN()
	return nil
}

func (oddMethods) BadData(*http.Request, *Params, *any) error {
	return &Error{Code: -32012, Message: "scan", Data: math.NaN()}
}

func (oddMethods) Nothing(*http.Request, *Params, *any) error { return nil }

func (oddMethods) Tags(_ *http.Request, _ *Params, result *any) error {
	*result = "<&>"
	return nil
}

func TestOddMethods(t *testing.T) {
	log := new(lines)
	url := serve(t, Config{Logger: log.logger()}, oddMethods{})
	internal := `{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":1}`
	for method, want := range map[string]string{
		"panics":      internal,
		"fails":       internal,
		"unencodable": internal,
		"missing":     `{"jsonrpc":"2.0","error":{"code":-32008,"message":"No snapshot"},"id":1}`,
		"wraps":       `{"jsonrpc":"2.0","error":{"code":-32012,"message":"<scan>","data":[1]},"id":1}`,
		"badData":     `{"jsonrpc":"2.0","error":{"code":-32012,"message":"scan"},"id":1}`,
		"nothing":     `{"jsonrpc":"2.0","result":null,"id":1}`,
		"tags":        `{"jsonrpc":"2.0","result":"<&>","id":1}`,
	} {
		call := `{"jsonrpc":"2.0","id":1,"method":"` + method + `"}`
		expect(t, url, call, want)
		tags := `{"jsonrpc":"2.0","id":2,"method":"tags"}`
		expect(t, url, "["+call+","+tags+"]", "["+want+`,{"jsonrpc":"2.0","result":"<&>","id":2}]`)
	}
	for _, want := range []string{"secret of a panic", "secret of an error", "server_test.go", " request=request-7", "method=fails"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}

type bulkyMethods struct {
	text  json.RawMessage
	calls *atomic.Int32
}

func (m bulkyMethods) Bulk(_ *http.Request, _ *Params, result *any) error {
	m.calls.Add(1)
	*result = m.text
	return nil
}

// TestBatchOfBulkyResults: the elements that no longer fit are errors, and are
// not even executed but for those under way.
func TestBatchOfBulkyResults(t *testing.T) {
	const size = 1000
	s := NewServer(Config{MaxBatchBytes: 4 * size})
	text := append(append(json.RawMessage{'"'}, bytes.Repeat([]byte("x"), size-2)...), '"')
	methods := bulkyMethods{text, new(atomic.Int32)}
	if err := s.Register(methods); err != nil {
		t.Fatal(err)
	}
	call := `{"jsonrpc":"2.0","id":1,"method":"bulk"}`
	got := post(t, serveHandler(t, s), "["+strings.Repeat(call+",", 99)+call+"]").body
	results, refused := strings.Count(got, `"result":`), strings.Count(got, "send it in parts")
	if n := methods.calls.Load(); results != 4 || refused != 96 || n > 5+maxParallel {
		t.Errorf("%d results and %d refusals by %d calls", results, refused, n)
	}
}

type wrongMethods struct{}

func (wrongMethods) GetSlot(*http.Request, *Params, *uint64) error { return nil }

type halfMethods struct{ NodeMethods }

func (halfMethods) Close() error { return nil }

func TestRegisterRefuses(t *testing.T) {
	for name, receivers := range map[string][]any{
		"nil":             {nil},
		"no methods":      {struct{}{}},
		"wrong signature": {wrongMethods{}},
		"one wrong":       {halfMethods{}},
		"twice":           {node(), node()},
		"name taken":      {node(), struct{ NodeMethods }{node()}},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewServer(Config{})
			last := len(receivers) - 1
			for _, receiver := range receivers[:last] {
				if err := s.Register(receiver); err != nil {
					t.Fatal(err)
				}
			}
			before := len(s.methods)
			if err := s.Register(receivers[last]); err == nil {
				t.Error("no error")
			}
			if len(s.methods) != before {
				t.Error("something was registered")
			}
		})
	}
}

func TestServerMetrics(t *testing.T) {
	s := NewServer(Config{})
	if err := s.Register(node()); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.Collector())
	w := newRecorder()
	for _, body := range []string{
		askHealth, "[" + askHealth + "," + `{"jsonrpc":"2.0","id":1,"method":"getHealth","params":[1]}` + "]",
		`{"jsonrpc":"2.0","id":1,"method":"nope"}`, `{"jsonrpc":"2.0","id":1,"method":"getHealth","x":1}`, `x`,
	} {
		s.ServeHTTP(w, newRequest(body))
	}
	want := `
# HELP solsnap_rpc_requests_total JSON-RPC calls by method and error code, ok for none.
# TYPE solsnap_rpc_requests_total counter
solsnap_rpc_requests_total{code="-32602",method="getHealth"} 1
solsnap_rpc_requests_total{code="ok",method="getGenesisHash"} 0
solsnap_rpc_requests_total{code="ok",method="getHealth"} 2
solsnap_rpc_requests_total{code="ok",method="getHighestSnapshotSlot"} 0
solsnap_rpc_requests_total{code="ok",method="getIdentity"} 0
solsnap_rpc_requests_total{code="ok",method="getSlot"} 0
solsnap_rpc_requests_total{code="ok",method="getVersion"} 0
solsnap_rpc_requests_total{code="ok",method="other"} 0
solsnap_rpc_requests_total{code="-32600",method="other"} 1
solsnap_rpc_requests_total{code="-32601",method="other"} 1
solsnap_rpc_requests_total{code="-32700",method="other"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "solsnap_rpc_requests_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// recorder is a response writer that knows no deadlines, as of no connection.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: make(http.Header), status: http.StatusOK} }

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

func newRequest(body string) *http.Request {
	r, _ := http.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = "192.0.2.1:1234"
	return r
}
