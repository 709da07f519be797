package origin

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"solsnap/gossip/discovery"
)

// TestX7HostileServersAreNotListed: each fails with a reason that tells it.
func TestX7HostileServersAreNotListed(t *testing.T) {
	leads := func(location string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusSeeOther)
		}
	}
	answers := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	}
	edited := func(edit func(*site)) *site { s := agave(); edit(s); return s }
	archive := func(edit func(http.ResponseWriter)) http.HandlerFunc {
		s := agave()
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/"+full100.String() {
				edit(w)
				return
			}
			s.ServeHTTP(w, r)
		}
	}
	victim := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other host was asked") }))
	name := full100.String()
	for label, tt := range map[string]struct {
		handler http.Handler
		reason  string
	}{
		"silent":                {http.HandlerFunc(silent), "no whole answer in"},
		"dripping":              {dripping(), "no whole answer in"},
		"silent on the archive": {archive(hold), "no whole answer in"},
		"redirect loop":         {leads("/snapshot.tar.bz2"), "which is no archive"},
		"another host":          {leads(victim.URL + "/" + name), "another server"},
		"another host, short":   {leads("//evil.example/" + name), "another server"},
		"another port":          {leads("http://127.0.0.1:1/" + name), "another server"},
		"another scheme":        {leads("https:///" + name), "another server"},
		"user":                  {leads("//u@/" + name), "plain path"},
		"query":                 {leads("/" + name + "?token=x"), "plain path"},
		"traversal":             {leads("/../../etc/" + name), "no archive"},
		"escaped traversal":     {leads("/..%2f" + name), "no archive"},
		"folder":                {leads("/remote/" + name), "no archive"},
		"garbage name":          {leads("/snapshot-1-x.tar.zst"), "no archive"},
		"leading zero":          {leads("/snapshot-0100-" + strings.TrimPrefix(name, "snapshot-100-")), "no archive"},
		"long name":             {leads("/" + strings.Repeat("a", 9000)), "no archive"},
		"no location":           {answers(303), "no location"},
		"bad location":          {leads("http://[::1"), "no location"},
		"incremental for full":  {leads("/" + incr150.String()), "leads to incremental"},
		"garbage incremental":   {edited(func(s *site) { s.incr = "incremental-snapshot-1-0-x.tar.zst" }), "no archive"},
		"full for incremental":  {edited(func(s *site) { s.incr = s.full }), "leads to snapshot"},
		"busy with incremental": {edited(func(s *site) { s.incrStatus = 429 }), "answered 429"},
		"slow with incremental": {edited(func(s *site) { s.incrStatus = 408 }), "answered 408"},
		"broken incremental":    {edited(func(s *site) { s.incrStatus = 500 }), "answered 500"},
		"no name":               {answers(200), "not its name"},
		"wrong name":            {edited(func(s *site) { s.status, s.disposition, s.full = 200, true, "x" }), "no archive"},
		"404":                   {answers(404), "answered 404 Not Found"},
		"503":                   {answers(503), "answered 503 Service Unavailable"},
		"599":                   {answers(599), "answered 599"},
		"no such archive":       {archive(func(w http.ResponseWriter) { w.WriteHeader(404) }), "answered 404"},
		"archive elsewhere":     {archive(func(w http.ResponseWriter) { w.Header().Set("Location", victim.URL); w.WriteHeader(302) }), "answered 302"},
		"empty archive":         {archive(func(w http.ResponseWriter) { w.Header().Set("Content-Length", "0") }), "how long"},
		"no length":             {archive(func(w http.ResponseWriter) { w.Header().Set("Transfer-Encoding", "chunked") }), "how long"},
		"absurd length":         {archive(func(w http.ResponseWriter) { w.Header().Set("Content-Length", "99999999999999") }), "it says that"},
		"encoded": {archive(func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Length", "5")
		}), "not asked for"},
		"huge headers": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		}), "exceeded"},
		"not HTTP":  {raw(func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-x\r\n\r\n") }), "malformed"},
		"hangs up":  {raw(func(net.Conn) {}), "EOF"},
		"many 100s": {raw(flood), "exceeded"},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			server := serve(t, tt.handler)
			l := newLog()
			r := start(t, Config{URLs: []string{server.URL}, Timeout: timeoutFor(tt.reason), Logger: l.logger()})
			l.await(t, "origin is unreachable", server.URL, tt.reason)
			want(t, "listed", r.dir.Catalog().Len(), 0)
			r.stop()
			if len(l.String()) > 1000 {
				t.Errorf("the log has %d bytes of one failure", len(l.String()))
			}
		})
	}
}

// timeoutFor is long where none is expected.
func timeoutFor(reason string) time.Duration {
	if strings.HasPrefix(reason, "no whole") {
		return 50 * time.Millisecond
	}
	return patience
}

func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// hold says nothing until the other side hangs up.
func hold(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
	}
}

// raw answers a request by hand, and then hangs up.
func raw(answer func(net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			answer(conn)
			conn.Close()
		}
	}
}

// dripping sends a header without end, a byte at a time.
func dripping() http.HandlerFunc {
	return raw(func(c net.Conn) {
		drops := time.NewTicker(time.Millisecond)
		defer drops.Stop()
		_, err := io.WriteString(c, "HTTP/1.1 303 See Other\r\nX: ")
		for err == nil {
			<-drops.C
			_, err = io.WriteString(c, "x")
		}
	})
}

// flood sends interim answers for as long as somebody reads them.
func flood(c net.Conn) {
	for {
		if _, err := io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"); err != nil {
			return
		}
	}
}

// TestOneBadOriginDoesNotDisturbAnother has both in one Prober.
func TestX6OneBadOriginDoesNotDisturbAnother(t *testing.T) {
	bad, good := serve(t, http.HandlerFunc(silent)), serve(t, agave())
	r := start(t, Config{URLs: []string{bad.URL, good.URL}, Timeout: patience})
	p := r.await(t, good.URL, whatever)
	want(t, "slot", p.Entry.Streams[0].Slot(), 150)
}

// TestAnEndlessHealthIsNoWord: its body is bounded.
func TestAnEndlessHealthIsNoWord(t *testing.T) {
	s := agave()
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			s.ServeHTTP(w, r)
			return
		}
		for _, err := io.WriteString(w, "ok"); err == nil; {
			_, err = io.WriteString(w, " ")
		}
	}))
	r := start(t, Config{URLs: []string{server.URL}, Timeout: patience})
	p := r.await(t, server.URL, whatever)
	want(t, "what it begins with counts", tag(p, "health"), "ok")
}

// TestX1CancelWhileBlocked has a server stop at each step in turn. That nothing is
// left is checked at the end of all tests.
func TestX1CancelWhileBlocked(t *testing.T) {
	for _, step := range []string{
		"HEAD /snapshot.tar.bz2", "HEAD /incremental-snapshot.tar.bz2", "HEAD /" + full100.String(),
		"HEAD /" + incr150.String(), "GET /health", "GET /" + full100.String(), "body of GET /health",
		"body of GET /" + full100.String(),
	} {
		t.Run(step, func(t *testing.T) {
			s, reached := agave(), make(chan struct{}, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				at, inBody := strings.CutPrefix(step, "body of ")
				if at != fmt.Sprintf("%s %s", r.Method, r.URL.Path) {
					s.ServeHTTP(w, r)
					return
				}
				if inBody {
					w.Header().Set("Content-Length", "1000000")
					w.(http.Flusher).Flush()
				}
				reached <- struct{}{}
				<-r.Context().Done()
			}))
			defer server.Close()
			r := start(t, Config{URLs: []string{server.URL}, Timeout: patience})
			<-reached
			r.stop()
		})
	}
	t.Run("between probes", func(t *testing.T) {
		server := serve(t, agave())
		r := start(t, Config{URLs: []string{server.URL}, Interval: time.Hour})
		r.await(t, server.URL, func(*discovery.Peer) bool { return true })
		r.stop()
	})
	t.Run("after a failure", func(t *testing.T) {
		server, l := serve(t, http.NotFoundHandler()), newLog()
		r := start(t, Config{URLs: []string{server.URL}, Interval: time.Hour, Logger: l.logger()})
		l.await(t, "unreachable")
		r.stop()
	})
}
