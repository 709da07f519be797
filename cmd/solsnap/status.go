package main

import (
	"fmt"
	"strings"

	"solsnap/api"
	"solsnap/snapshot"
)

// status is what /admin/v1/status shows.
func (n *node) status() api.Status {
	s := api.Status{
		Version:     readBuildInfo().Version,
		Started:     n.started,
		Listeners:   n.listeners(),
		Archives:    len(n.store.Archives()),
		Health:      n.health(),
		Draining:    n.draining.Load(),
		Connections: n.public.Connections(),
		Transfers:   n.transfers.List(),
		Limits:      n.transfers.Limits(),
	}
	if pair, ok := n.store.Served(); ok {
		s.Served = &pair
	}
	for _, c := range n.store.Conflicts() {
		s.Conflicts = append(s.Conflicts, describeConflict(c))
	}
	if n.digester != nil {
		s.DigestsPending = n.digester.Pending()
	}
	return s
}

// listeners are the bound addresses and what they are for.
func (n *node) listeners() (list []api.Listener) {
	for i, addr := range n.bound.public {
		use := "public"
		if i >= n.plaintext {
			use = "public-tls"
		}
		list = append(list, api.Listener{Address: addr.String(), Use: use})
	}
	for _, addr := range n.bound.admin {
		list = append(list, api.Listener{Address: addr.String(), Use: "admin"})
	}
	if n.bound.gossip.IsValid() {
		list = append(list, api.Listener{Address: n.bound.gossip.String(), Use: "gossip"})
	}
	return list
}

// describeConflict names the files, for whoever has to remove one.
func describeConflict(c snapshot.Conflict) string {
	others := make([]string, len(c.Others))
	for i, a := range c.Others {
		others[i] = a.Path
	}
	return fmt.Sprintf("slot %d: %s is preferred to %s", c.Preferred.Name.Slot, c.Preferred.Path, strings.Join(others, ", "))
}
