package api

import (
	"net"
	"net/http"

	"solsnap/middleware"
)

// door is a bound socket. What it hands out keeps the io.ReaderFrom of
// *net.TCPConn, and with it sendfile(2); see turns. The connection cap counts here
// on the way in, and in http.Server.ConnState on the way out.
type door struct {
	*net.TCPListener
	endpoint *endpoint
	tls      bool
}

// Accept returns the next connection below the cap. Those above it are turned
// away on the spot, without a goroutine each and without waiting for them.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.AcceptTCP()
		if err != nil {
			return nil, err
		}
		over := d.endpoint.admit(c)
		if over == nil {
			return d.endpoint.turns.wrap(c), nil
		}
		d.endpoint.turnAway(c, over, d.tls)
	}
}

// serve runs until the server is shut down.
func (d *door) serve(s *http.Server) error {
	if d.tls {
		return s.ServeTLS(d, "", "")
	}
	return s.Serve(d)
}

// admit gives the connection a place, which connState takes back, or returns
// the ceiling that it has reached.
func (e *endpoint) admit(c net.Conn) *ceiling {
	client := middleware.ClientAddr(c.RemoteAddr().String())
	if !e.clients.add(client) {
		return e.perClient
	}
	if !e.conns.addBelow(e.total.most) {
		e.clients.done(client)
		return e.total
	}
	e.accepted.Add(1)
	return nil
}
