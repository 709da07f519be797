package discovery

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"solsnap/gossip/wire"
)

// SignedEntry is an entry that its peer signed: only SignEntry and DecodeEntry
// make one. The zero value is of nobody.
type SignedEntry struct {
	entry *Entry
	raw   string // signature and body
	id    uint64 // names peer and version in digests
}

// Entry is what the peer says. Its slices must not be modified.
func (s SignedEntry) Entry() Entry {
	if s.entry == nil {
		return Entry{}
	}
	return *s.entry
}

// Peer is who signed.
func (s SignedEntry) Peer() wire.Pubkey { return s.Entry().Peer }

// Version is that of the entry.
func (s SignedEntry) Version() Version { return s.Entry().Version }

// IsZero reports whether s is of nobody.
func (s SignedEntry) IsZero() bool { return s.entry == nil }

// Append adds the encoding, which DecodeEntry reads.
func (s SignedEntry) Append(b []byte) []byte { return append(b, s.raw...) }

// SignEntry signs an entry of the key's own. It refuses what DecodeEntry would. The
// entry must not be modified afterwards.
func SignEntry(key ed25519.PrivateKey, e Entry) (SignedEntry, error) {
	if owner := wire.PubkeyOf(key); owner != e.Peer {
		return SignedEntry{}, fmt.Errorf("sign entry of %v: the key is that of %v", e.Peer, owner)
	}
	body, err := encode(e.walk)
	if err != nil {
		return SignedEntry{}, fmt.Errorf("sign entry of %v: %w", e.Peer, err)
	}
	if size := signatureSize + len(body); size > MaxEntry {
		return SignedEntry{}, fmt.Errorf("sign entry of %v: %d bytes, want at most %d", e.Peer, size, MaxEntry)
	}
	return newSigned(&e, entryDomain.seal(key, body)), nil
}

// DecodeEntry reads and verifies. It keeps nothing of b.
func DecodeEntry(b []byte) (SignedEntry, error) {
	if len(b) > MaxEntry {
		return SignedEntry{}, fmt.Errorf("decode entry: %d bytes, want at most %d", len(b), MaxEntry)
	}
	u, err := parseEntry(string(b))
	if err != nil {
		return SignedEntry{}, fmt.Errorf("decode entry: %w", err)
	}
	return u.verify()
}

// unverified is an entry as anybody could have made it.
type unverified struct {
	entry *Entry
	raw   string
}

func parseEntry(raw string) (unverified, error) {
	if len(raw) > MaxEntry || len(raw) < signatureSize {
		return unverified{}, errSize
	}
	e := new(Entry)
	return unverified{e, raw}, decode(raw[signatureSize:], e.walk)
}

var errSize = errors.New("wrong size")

func (u unverified) verify() (SignedEntry, error) {
	if err := entryDomain.verify(u.entry.Peer, u.raw[signatureSize:], []byte(u.raw[:signatureSize])); err != nil {
		return SignedEntry{}, fmt.Errorf("decode entry: %w", err)
	}
	return newSigned(u.entry, u.raw), nil
}

func newSigned(e *Entry, raw string) SignedEntry {
	return SignedEntry{entry: e, raw: raw, id: itemID(e.Peer, e.Version)}
}

// itemID names a version of a peer in digests.
func itemID(peer wire.Pubkey, v Version) uint64 {
	var b [48]byte
	copy(b[:], peer[:])
	binary.LittleEndian.PutUint64(b[32:], v.Start)
	binary.LittleEndian.PutUint64(b[40:], v.Update)
	sum := sha256.Sum256(b[:])
	return binary.LittleEndian.Uint64(sum[:])
}

func encode(walk func(*codec)) (string, error) {
	c := &codec{writing: true}
	walk(c)
	return string(c.out), c.finish()
}

func decode(in string, walk func(*codec)) error {
	c := &codec{in: in}
	walk(c)
	return c.finish()
}
