package wire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
)

// Token is what a Ping asks to be hashed. Nothing in it has a meaning.
type Token [32]byte

// Ping asks whether the address it is sent to belongs to the node that it claims
// to be. Every valid one is answered, to the address it came from.
type Ping struct {
	From      Pubkey
	Token     Token
	Signature Signature
}

// Protocol is ProtocolPing.
func (*Ping) Protocol() Protocol { return ProtocolPing }

func (p *Ping) walk(c *codec) {
	c.array("from", p.From[:])
	c.array("token", p.Token[:])
	c.array("signature", p.Signature[:])
}

// NewPing is a signed Ping from the owner of the key, which must be whole.
func NewPing(key ed25519.PrivateKey, token Token) *Ping {
	return &Ping{From: PubkeyOf(key), Token: token, Signature: sign(key, token[:])}
}

// Verify checks the signature. The error is ErrSignature.
func (p *Ping) Verify() error {
	if !p.From.Verify(p.Token[:], &p.Signature) {
		return fmt.Errorf("ping from %v: %w", p.From, ErrSignature)
	}
	return nil
}

// Pong answers a Ping.
type Pong struct {
	From      Pubkey
	Hash      Hash // PongHash of the token
	Signature Signature
}

// Protocol is ProtocolPong.
func (*Pong) Protocol() Protocol { return ProtocolPong }

func (p *Pong) walk(c *codec) {
	c.array("from", p.From[:])
	c.array("hash", p.Hash[:])
	c.array("signature", p.Signature[:])
}

// NewPong is the signed answer to a token from the owner of the key, which must
// be whole.
func NewPong(key ed25519.PrivateKey, token Token) *Pong {
	hash := PongHash(token)
	return &Pong{From: PubkeyOf(key), Hash: hash, Signature: sign(key, hash[:])}
}

// Verify checks the signature, not whether the hash answers a ping of ours. The
// error is ErrSignature.
func (p *Pong) Verify() error {
	if !p.From.Verify(p.Hash[:], &p.Signature) {
		return fmt.Errorf("pong from %v: %w", p.From, ErrSignature)
	}
	return nil
}

// pongPrefix keeps a stranger who pings from having anything signed but a hash.
// This must not change, other nodes check it (Agave gossip/src/ping_pong.rs,
// PING_PONG_HASH_PREFIX).
const pongPrefix = "SOLANA_PING_PONG"

// PongHash is what answers a token.
func PongHash(token Token) Hash {
	return sha256.Sum256(append([]byte(pongPrefix), token[:]...))
}
