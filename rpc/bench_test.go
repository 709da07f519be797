package rpc

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const askHighest = `{"jsonrpc":"2.0","id":1,"method":"getHighestSnapshotSlot"}`

// benchmark measures the server alone, without a connection.
func benchmark(b *testing.B, s *Server, body, want string) {
	w := deadlines{newRecorder()}
	r := newRequest(body)
	reader := strings.NewReader(body)
	r.Body = readCloser{reader}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		w.body.Reset()
		s.ServeHTTP(w, r)
	}
	if got := w.body.String(); !strings.Contains(got, want) {
		b.Fatalf("answer is %q", got)
	}
}

// deadlines takes deadlines as a connection does.
type deadlines struct{ *recorder }

func (deadlines) SetReadDeadline(time.Time) error { return nil }

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func benchServer(b *testing.B, config Config) *Server {
	s := NewServer(config)
	if err := s.Register(node()); err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkHighestSnapshotSlot(b *testing.B) {
	benchmark(b, benchServer(b, Config{}), askHighest, `"incremental":150`)
}

func BenchmarkBatchOf10(b *testing.B) {
	batch := "[" + strings.Repeat(askHighest+",", 9) + askHighest + "]"
	benchmark(b, benchServer(b, Config{}), batch, `"incremental":150`)
}

// BenchmarkForwarded leaves out the connection to the upstream, too.
func BenchmarkForwarded(b *testing.B) {
	u := newUpstream(b, UpstreamConfig{URL: "http://validator", ClientRate: 1e9, ClientBurst: 1e9, Client: clientOf(func(r *http.Request) (*http.Response, error) {
		return replyTo(r, `"result":1`)
	})})
	benchmark(b, benchServer(b, Config{Upstream: u}), askBalance, `"result":1`)
}

// BenchmarkLoopback is one call over a kept connection, and beside it what
// net/http alone takes for the same bytes: the difference is this package's.
func BenchmarkLoopback(b *testing.B) {
	answer := []byte(`{"jsonrpc":"2.0","result":{"full":100,"incremental":150},"id":1}` + "\n")
	b.Run("bare", func(b *testing.B) {
		loopback(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			(&reply{text: answer}).write(w)
		}))
	})
	b.Run("rpc", func(b *testing.B) { loopback(b, benchServer(b, Config{})) })
}

// loopback asks over one connection, with a client that does next to nothing.
func loopback(b *testing.B, handler http.Handler) {
	web := httptest.NewServer(handler)
	defer web.Close()
	conn, err := net.Dial("tcp", web.Listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(askHighest), askHighest)
	answer := make([]byte, 4<<10)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = conn.Write(request)
		n, err := conn.Read(answer)
		if err != nil || !strings.HasSuffix(string(answer[:n]), "\"id\":1}\n") {
			b.Fatalf("got %q, %v", answer[:n], err)
		}
	}
}
