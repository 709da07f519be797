package discovery

import (
	"crypto/ed25519"
	"fmt"

	"solsnap/gossip/wire"
)

// Departure is what a peer says last.
type Departure struct {
	Network wire.Hash
	Peer    wire.Pubkey
	// Version is at least that of any entry the peer ever gave out.
	Version Version
	// At is when it left, in milliseconds since 1970 by its clock.
	At uint64
}

const departureSize = signatureSize + 1 + 32 + 32 + 16 + 8

func (d *Departure) walk(c *codec) {
	c.format()
	c.array("network", d.Network[:])
	c.array("peer", d.Peer[:])
	d.Version.walk(c)
	if c.uint64("at", &d.At); d.At > maxMillis {
		c.fail("at", fmt.Errorf("%d ms, want at most %d", d.At, uint64(maxMillis)))
	}
}

// SignedDeparture is a departure that its peer signed: only SignDeparture and
// DecodeDeparture make one.
type SignedDeparture struct {
	departure Departure
	raw       string
}

// Departure is what the peer says.
func (s SignedDeparture) Departure() Departure { return s.departure }

// Append adds the encoding, which DecodeDeparture reads.
func (s SignedDeparture) Append(b []byte) []byte { return append(b, s.raw...) }

// SignDeparture signs a departure of the key's own.
func SignDeparture(key ed25519.PrivateKey, d Departure) (SignedDeparture, error) {
	if owner := wire.PubkeyOf(key); owner != d.Peer {
		return SignedDeparture{}, fmt.Errorf("sign departure of %v: the key is that of %v", d.Peer, owner)
	}
	body, err := encode(d.walk)
	if err != nil {
		return SignedDeparture{}, fmt.Errorf("sign departure of %v: %w", d.Peer, err)
	}
	return SignedDeparture{d, departureDomain.seal(key, body)}, nil
}

// DecodeDeparture reads and verifies. It keeps nothing of b.
func DecodeDeparture(b []byte) (SignedDeparture, error) {
	if len(b) != departureSize {
		return SignedDeparture{}, fmt.Errorf("decode departure: %d bytes, want %d", len(b), departureSize)
	}
	s := SignedDeparture{raw: string(b)}
	body := s.raw[signatureSize:]
	if err := decode(body, s.departure.walk); err != nil {
		return SignedDeparture{}, fmt.Errorf("decode departure: %w", err)
	}
	if err := departureDomain.verify(s.departure.Peer, body, b[:signatureSize]); err != nil {
		return SignedDeparture{}, fmt.Errorf("decode departure: %w", err)
	}
	return s, nil
}
