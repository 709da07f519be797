package discovery

import (
	"context"
	"fmt"
	"strings"

	"solsnap/gossip/wire"
)

// Target is a peer and where to find it.
type Target struct {
	Peer wire.Pubkey
	// Addresses are base URLs, the preferred first.
	Addresses []string
}

// ParseTarget reads URL#PUBKEY.
func ParseTarget(s string) (Target, error) {
	address, key, ok := strings.Cut(s, "#")
	if !ok {
		return Target{}, fmt.Errorf("fleet member %q, want URL#PUBKEY", s)
	}
	peer, err := wire.ParsePubkey(key)
	if err == nil {
		err = checkAddress(address)
	}
	if err != nil {
		return Target{}, fmt.Errorf("fleet member %q, want URL#PUBKEY: %w", s, err)
	}
	return Target{peer, []string{address}}, nil
}

// Transport carries bytes between nodes.
type Transport interface {
	// Exchange sends a request to a peer at any of its addresses and returns the
	// response, of which it reads at most kind.MaxResponse bytes. It returns at once
	// when ctx ends, which has a deadline. It must not keep the request. It does not
	// try again: the Worker does. Many calls run at once.
	//
	// What an address leads to is whatever a peer said; which networks may be dialed is
	// the transport's to decide.
	Exchange(ctx context.Context, to Target, kind Kind, request []byte) ([]byte, error)
}
