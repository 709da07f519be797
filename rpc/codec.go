package rpc

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sync"

	gorilla "github.com/gorilla/rpc/v2"
)

// methodType is what every exported method of a registered receiver must be.
var methodType = reflect.TypeFor[func(*http.Request, *Params, *any) error]()

// wireMethods lists the methods of a receiver: wire name to Go name.
func wireMethods(receiver any) (map[string]string, error) {
	v := reflect.ValueOf(receiver)
	if !v.IsValid() {
		return nil, errors.New("register methods: the receiver is nil")
	}
	names := make(map[string]string)
	for i := range v.NumMethod() {
		name := v.Type().Method(i).Name
		if got := v.Method(i).Type(); got != methodType {
			return nil, fmt.Errorf("register method %T.%s: its type is %v, want %v", receiver, name, got, methodType)
		}
		names[string(name[0]|0x20)+name[1:]] = name
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("register methods: %T has no exported methods", receiver)
	}
	return names, nil
}

// codec is gorilla's codec: it hands over calls that the front has parsed.
// gorilla wants "Service.Method" and one call per HTTP request; the wire has
// bare names and batches.
type codec struct{}

// NewRequest finds the call in the request's body, where invoke put it.
func (codec) NewRequest(r *http.Request) gorilla.CodecRequest { return r.Body.(*call) }

// call is one call on its way through gorilla: a request whose body is the call
// itself, which is gorilla's CodecRequest and response writer, too.
type call struct {
	request http.Request
	header  http.Header
	target  string // gorilla's name of the method
	params  []byte
	result  any
	err     error
}

var (
	_ gorilla.CodecRequest = (*call)(nil)
	_ http.ResponseWriter  = (*call)(nil)
	_ io.ReadCloser        = (*call)(nil)
)

var calls = sync.Pool{New: func() any { return &call{header: make(http.Header)} }}

// Read tells methods that the body has been read.
func (c *call) Read([]byte) (int, error) { return 0, io.EOF }

// Close does nothing.
func (c *call) Close() error { return nil }

// Header takes the header that gorilla sets. It must not reach the client's
// response, from several elements of a batch at once.
func (c *call) Header() http.Header { return c.header }

// Write takes nothing: the front writes.
func (c *call) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader does nothing.
func (c *call) WriteHeader(int) {}

// Method names the method to gorilla.
func (c *call) Method() (string, error) { return c.target, nil }

// ReadRequest hands the raw parameters to the method, which decodes them.
func (c *call) ReadRequest(args any) error {
	args.(*Params).raw = c.params
	return nil
}

// WriteResponse keeps the reply; the front encodes it.
func (c *call) WriteResponse(_ http.ResponseWriter, reply any) { c.result = *reply.(*any) }

// WriteError keeps the error; the front looks it up in its table.
func (c *call) WriteError(_ http.ResponseWriter, _ int, err error) { c.err = err }

// invoke runs a registered method through gorilla. After a panic the call is
// left to the collector.
func (s *Server) invoke(r *http.Request, target string, params []byte) (any, error) {
	c := calls.Get().(*call)
	c.request, c.target, c.params = *r, target, params
	c.request.Body = c
	s.gorilla.ServeHTTP(c, &c.request)
	result, err := c.result, c.err
	*c = call{header: c.header}
	calls.Put(c)
	return result, err
}
