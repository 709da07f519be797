package api

import (
	"net/netip"
	"sync"
)

// clients counts the open connections of each client address, so that one host
// cannot take every place.
type clients struct {
	most int // 0 is no limit

	mu   sync.Mutex
	open map[netip.Addr]int // without zeros; guarded by mu
}

// add counts one more connection unless the client has the most already.
func (c *clients) add(client netip.Addr) bool {
	if c.most == 0 {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[client] >= c.most {
		return false
	}
	if c.open == nil {
		c.open = make(map[netip.Addr]int)
	}
	c.open[client]++
	return true
}

// done counts one less.
func (c *clients) done(client netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.open[client]; n > 1 {
		c.open[client] = n - 1
	} else {
		delete(c.open, client)
	}
}
