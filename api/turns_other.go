//go:build !linux

package api

import "net"

// turns is for Linux; elsewhere net sends files by itself.
type turns struct{}

func newTurns() turns { return turns{} }

func (turns) wrap(c *net.TCPConn) net.Conn { return c }
