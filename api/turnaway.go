package api

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"solsnap/middleware"
)

const (
	// lingerTime is how long a client that was turned away may take to read why.
	lingerTime = time.Second
	// lingerMost is how many such clients are waited for; further ones are cut.
	lingerMost = 256
	// lingerBytes is how much of its request is read meanwhile.
	lingerBytes = 64 << 10
)

// ceiling is a maximum of connections, and the count of those above it.
type ceiling struct {
	// limit names it, in the log and as a label of the metric: "total", or
	// "client" for that of one client.
	limit   string
	most    int
	refused atomic.Uint64  // connections turned away so far
	warn    rate.Sometimes // clients could flood the log
}

func newCeiling(limit string, most int) *ceiling {
	return &ceiling{limit: limit, most: most, warn: rate.Sometimes{First: 1, Interval: time.Minute}}
}

// turnAway answers a connection above a ceiling. The write cannot block, because
// the send buffer of a new connection is empty. Closing at once would reset the
// connection as soon as the client's request arrives, and a reset may destroy
// the answer before it is read; so only our half is closed, and linger closes
// the rest. On a TLS socket there is no telling before the handshake, and the
// connection is just closed.
func (e *endpoint) turnAway(c *net.TCPConn, over *ceiling, tls bool) {
	over.refused.Add(1)
	over.warn.Do(func() {
		e.logger.Warn("connection turned away: at the maximum", "peer", c.RemoteAddr(), "limit", over.limit, "connections", over.most)
	})
	if tls {
		_ = c.Close()
		return
	}
	_ = c.SetDeadline(time.Now().Add(lingerTime))
	_, _ = fmt.Fprintf(c, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", middleware.RetryAfter())
	_ = c.CloseWrite()
	select {
	case e.lingering <- c:
	default:
		_ = c.Close()
	}
}

// linger closes the connections that were turned away, each when its peer has
// closed or its deadline has passed. One goroutine is enough: the deadlines
// were set in turn, so waiting for one does not make the next late. It ends
// when lingering is closed.
func (e *endpoint) linger() {
	for c := range e.lingering {
		_, _ = io.CopyN(io.Discard, c, lingerBytes)
		_ = c.Close()
	}
}
