package rpc

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	textNotPost = "Used HTTP Method is not allowed. POST or OPTIONS is required\n"
	textType415 = "Supplied content type is not allowed. Content-Type: application/json is required\n"
	textTooLong = "request body size exceeds allowed maximum"
	healthy     = `{"jsonrpc":"2.0","result":"ok","id":1}` + "\n"
	askHealth   = `{"jsonrpc":"2.0","id":1,"method":"getHealth"}`
)

// padded is a call to getHealth that is n bytes long.
func padded(n int) string { return askHealth + strings.Repeat(" ", n-len(askHealth)) }

// TestTransport goes through the table of what Agave's JSON-RPC listener
// answers before it looks at the JSON.
func TestTransport(t *testing.T) {
	url := serve(t, Config{}, node())
	const jsonOut, textOut = "application/json; charset=utf-8", "text/plain; charset=utf-8"
	for name, c := range map[string]struct {
		method, path, contentType, body string
		status                          int
		wantType, want                  string
	}{
		"json":                 {"POST", "/", "application/json", askHealth, 200, jsonOut, healthy},
		"json with charset":    {"POST", "/", "application/json; charset=utf-8", askHealth, 200, jsonOut, healthy},
		"json, charset, tight": {"POST", "/", "application/json;charset=utf-8", askHealth, 200, jsonOut, healthy},
		"capitals":             {"POST", "/", "Application/JSON; Charset=UTF-8", askHealth, 200, jsonOut, healthy},
		"any path":             {"POST", "/any/path", "application/json", askHealth, 200, jsonOut, healthy},
		"notification":         {"POST", "/", "application/json", `{"jsonrpc":"2.0","method":"getHealth"}`, 200, jsonOut, ""},
		"notifications":        {"POST", "/", "application/json", `[{"jsonrpc":"2.0","method":"getHealth"}]`, 200, jsonOut, ""},
		"empty batch":          {"POST", "/", "application/json", `[]`, 200, jsonOut, ""},
		"no type":              {"POST", "/", "", askHealth, 415, textOut, textType415},
		"text":                 {"POST", "/", "text/plain", askHealth, 415, textOut, textType415},
		"other charset":        {"POST", "/", "application/json; charset=latin1", askHealth, 415, textOut, textType415},
		"two spaces":           {"POST", "/", "application/json;  charset=utf-8", askHealth, 415, textOut, textType415},
		"long s is no s":       {"POST", "/", "application/json; charſet=utf-8", askHealth, 415, textOut, textType415},
		"json-rpc":             {"POST", "/", "application/json-rpc", askHealth, 415, textOut, textType415},
		"OPTIONS":              {"OPTIONS", "/", "", "", 200, jsonOut, ""},
		"GET /":                {"GET", "/", "", "", 405, textOut, textNotPost},
		"HEAD /":               {"HEAD", "/", "", "", 405, textOut, ""},
		"PUT":                  {"PUT", "/x", "application/json", askHealth, 405, textOut, textNotPost},
		"DELETE":               {"DELETE", "/", "", "", 405, textOut, textNotPost},
		"at the limit":         {"POST", "/", "application/json", padded(51200), 200, jsonOut, healthy},
		"above the limit":      {"POST", "/", "application/json", padded(51201), 413, textOut, textTooLong},
		"not UTF-8":            {"POST", "/", "application/json", "{\"é\":\"\xff\"}", 400, textOut, "utf-8 encoding error at byte 7 in request body"},
		"UTF-8 cut off":        {"POST", "/", "application/json", "\"\xe2\x82", 400, textOut, "utf-8 encoding error at byte 1 in request body"},
		"surrogate in UTF-8":   {"POST", "/", "application/json", "ab\xed\xa0\x80", 400, textOut, "utf-8 encoding error at byte 2 in request body"},
		"replacement is valid": {"POST", "/", "application/json", "\uFFFD", 200, jsonOut, parseError},
	} {
		t.Run(name, func(t *testing.T) {
			got := send(t, c.method, url+c.path, c.contentType, strings.NewReader(c.body))
			if got.status != c.status || got.body != c.want || got.header.Get("Content-Type") != c.wantType {
				t.Errorf("got %d %q %q\nwant %d %q %q", got.status, got.header.Get("Content-Type"), got.body, c.status, c.wantType, c.want)
			}
		})
	}
}

func TestOptionsHeaders(t *testing.T) {
	got := send(t, http.MethodOptions, serve(t, Config{}), "", nil)
	if got.header.Get("Allow") != "OPTIONS, POST" || got.header.Get("Accept") != "application/json" {
		t.Errorf("headers are %v", got.header)
	}
}

// TestTooLargeIsReadable sends far more than the limit in each framing, and
// wants the whole answer and then the end, not a reset that eats the answer.
// The writer hides net/http's own, as middleware does.
func TestTooLargeIsReadable(t *testing.T) {
	inner := NewServer(Config{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(wrapped{w}, r)
	}))
	defer web.Close()
	body := strings.Repeat("x", 2<<20)
	for name, head := range map[string]string{
		"length":            fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)),
		"chunked":           fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", len(body)),
		"length, closing":   fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n", len(body)),
		"length, just over": "Content-Length: 51201\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", web.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+head+body)
			reader := bufio.NewReader(conn)
			answer, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge || string(text) != textTooLong {
				t.Errorf("got %d %q, %v", answer.StatusCode, text, err)
			}
			if !answer.Close {
				t.Error("the connection stays open")
			}
			if _, err := reader.ReadByte(); err != io.EOF {
				t.Errorf("the connection ends with %v", err)
			}
		})
	}
}

// wrapped is a response writer as middleware makes them.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestChunkedBody(t *testing.T) {
	url := serve(t, Config{}, node())
	got := send(t, http.MethodPost, url, "application/json", io.MultiReader(strings.NewReader(askHealth[:9]), strings.NewReader(askHealth[9:])))
	if got.body != healthy {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

// TestBodyThatDoesNotCome: a deadline of the server around ours, and the rest.
func TestBodyThatDoesNotCome(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"too late": {fmt.Errorf("read tcp: %w", os.ErrDeadlineExceeded), http.StatusRequestTimeout},
		"cut off":  {io.ErrUnexpectedEOF, http.StatusBadRequest},
	} {
		r, w := newRequest(""), newRecorder()
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), iotest.ErrReader(c.err)))
		NewServer(Config{}).ServeHTTP(w, r)
		if w.status != c.status || w.header.Get("Connection") != "close" {
			t.Errorf("%s: got %d, Connection %q", name, w.status, w.header.Get("Connection"))
		}
	}
}
