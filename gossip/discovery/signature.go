package discovery

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"solsnap/gossip/wire"
)

// ErrSignature means that bytes were not signed by the peer they name.
var ErrSignature = errors.New("signature does not verify")

// domain keeps a signature for one purpose from being used for another. The
// strings must not change: they are under every signature.
type domain string

const (
	entryDomain     domain = "solsnap discovery entry v1\n"
	departureDomain domain = "solsnap discovery departure v1\n"
	pongDomain      domain = "solsnap discovery pong v1\n"
)

const signatureSize = ed25519.SignatureSize

func (d domain) sign(key ed25519.PrivateKey, body string) []byte {
	return ed25519.Sign(key, []byte(string(d)+body))
}

// seal puts the signature before the body.
func (d domain) seal(key ed25519.PrivateKey, body string) string {
	return string(d.sign(key, body)) + body
}

// verify reports whether the peer signed the body.
func (d domain) verify(peer wire.Pubkey, body string, signature []byte) error {
	if !peer.Verify([]byte(string(d)+body), (*wire.Signature)(signature)) {
		return fmt.Errorf("peer %v: %w", peer, ErrSignature)
	}
	return nil
}
