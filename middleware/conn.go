package middleware

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"syscall"
)

type connKey struct{}

// connection is what is known of the connection of a request.
type connection struct {
	raw syscall.RawConn
	// share is what the socket is paced to, in bytes per second; 0 is unpaced. It
	// stays after a download, because what the kernel still has to send of it
	// must not overtake. Guarded by Transfers.mu.
	share float64
}

// ConnContext remembers the connection of a request, so that a download can ask
// the kernel about its progress and pace it. It is meant for
// http.Server.ConnContext; without it both fall back to what the process sees.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return ctx
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return ctx
	}
	return context.WithValue(ctx, connKey{}, &connection{raw: raw})
}

// connectionOf is the connection of a request: an unknown one when it is shared
// by several requests at once, as in HTTP/2.
func connectionOf(r *http.Request) *connection {
	if r.ProtoMajor == 1 {
		if c, ok := r.Context().Value(connKey{}).(*connection); ok {
			return c
		}
	}
	return &connection{}
}

// ClientAddr is the address that limits count by, of a remote HOST:PORT: an IPv4
// address, or the /64 of an IPv6 address, since that is what one client is
// commonly given. It is the zero Addr for what is no such text.
func ClientAddr(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	addr := ap.Addr().Unmap().WithZone("")
	if addr.Is4() {
		return addr
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return addr
	}
	return prefix.Addr()
}
