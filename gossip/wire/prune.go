package wire

import (
	"crypto/ed25519"
	"fmt"
	"slices"
)

// MaxPruneOrigins is how many origins fit into a Prune. Agave sends no more
// either (gossip/src/cluster_info.rs, MAX_PRUNE_DATA_NODES).
const MaxPruneOrigins = 32

// Prune asks Destination to no longer relay to From what comes from Origins.
type Prune struct {
	From        Pubkey // who asks; it is on the wire twice
	Origins     []Pubkey
	Signature   Signature
	Destination Pubkey
	Wallclock   uint64
}

// Protocol is ProtocolPrune.
func (*Prune) Protocol() Protocol { return ProtocolPrune }

func (p *Prune) walk(c *codec) {
	c.array("from", p.From[:])
	pubkey := p.From
	c.array("pubkey", pubkey[:])
	if pubkey != p.From {
		c.fail("pubkey", fmt.Errorf("%v, want %v as in from", pubkey, p.From))
	}
	list(c, "prunes", len(Pubkey{}), &p.Origins)
	c.array("signature", p.Signature[:])
	c.array("destination", p.Destination[:])
	c.wallclock(&p.Wallclock)
}

// NewPrune is a signed Prune from the key's owner, who must be whole. At most
// MaxPruneOrigins fit; Append refuses more.
func NewPrune(key ed25519.PrivateKey, destination Pubkey, origins []Pubkey, wallclock uint64) *Prune {
	p := &Prune{From: PubkeyOf(key), Origins: slices.Clone(origins), Destination: destination, Wallclock: wallclock}
	p.Signature = sign(key, p.signable(prunePrefix))
	return p
}

// Verify checks the signature, in the form that Firedancer, Sig and we sign, and
// in the one without a prefix that Agave signs. The error is ErrSignature.
func (p *Prune) Verify() error {
	signed := p.signable(prunePrefix)
	if p.From.Verify(signed, &p.Signature) || p.From.Verify(signed[len(prunePrefix):], &p.Signature) {
		return nil
	}
	return fmt.Errorf("prune from %v: %w", p.From, ErrSignature)
}

// prunePrefix keeps a prune's signed bytes apart from those of anything else: a
// vector of 18 bytes. This must not change, other nodes check it (Agave
// gossip/src/protocol.rs, PRUNE_DATA_PREFIX).
const prunePrefix = "\x12\x00\x00\x00\x00\x00\x00\x00\xffSOLANA_PRUNE_DATA"

// signable are the bytes that are signed behind a prefix. They are not those of
// the wire.
func (p *Prune) signable(prefix string) []byte {
	c := Modern.writer([]byte(prefix))
	c.array("pubkey", p.From[:])
	list(c, "prunes", len(Pubkey{}), &p.Origins)
	c.array("destination", p.Destination[:])
	c.uint64("wallclock", &p.Wallclock)
	return c.buf
}
