package wire

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
)

// record is the bytes of a value and what is asked for most.
type record struct {
	raw      []byte // signature and data, as they arrived
	label    Label
	when     uint64
	outset   uint64
	extended bool
}

// Kind says what the value is.
func (r record) Kind() Kind { return r.label.Kind }

// Label is the key of the value.
func (r record) Label() Label { return r.label }

// Origin is whose value it is, and whose signature it bears.
func (r record) Origin() Pubkey { return r.label.Origin }

// Wallclock is the time of the origin when it signed.
func (r record) Wallclock() uint64 { return r.when }

// Outset is when the origin of a ContactInfo was started, in microseconds since
// 1970. It is 0 for other kinds.
func (r record) Outset() uint64 { return r.outset }

// Bytes are the signature and the data, for relaying. They belong to the value.
func (r record) Bytes() []byte { return r.raw }

// Signature is what the origin signed with.
func (r record) Signature() (s Signature) {
	copy(s[:], r.raw)
	return s
}

// signable are the bytes that are signed: the data with its tag.
func (r record) signable() []byte { return r.raw[min(len(r.raw), len(Signature{})):] }

// Relayable reports whether the value may be sent to others. Dead kinds may not,
// and neither may a ContactInfo with extensions: Agave drops those when it
// parses, and so finds the signature wrong and loses the packet.
func (r record) Relayable() bool { return len(r.raw) > 0 && !r.extended && !r.label.Kind.Dead() }

// Data decodes what the value says. It is the caller's, but for byte slices in
// it, which share the memory of the value. The zero value says nothing: nil.
func (r record) Data() Data {
	var d Data
	c := Legacy.reader(r.signable()) // whether it is dead was asked before
	c.data(&d)
	if c.finish() != nil {
		return nil
	}
	return d
}

// ContactInfo is Data for a value of that kind, and nil for others.
func (r record) ContactInfo() *ContactInfo {
	if r.label.Kind != KindContactInfo {
		return nil
	}
	n, _ := r.Data().(*ContactInfo)
	return n
}

// SnapshotHashes is Data for a value of that kind, and nil for others.
func (r record) SnapshotHashes() *SnapshotHashes {
	if r.label.Kind != KindSnapshotHashes {
		return nil
	}
	s, _ := r.Data().(*SnapshotHashes)
	return s
}

// Value is a CRDS value as it came from the network: parsed, not verified. It
// shares the memory of the packet it was in.
type Value struct{ record }

// Hash is the SHA-256 of the bytes: the value's name in pull filters, and what
// decides between values of equal age. It is computed by every call.
func (v Value) Hash() Hash { return sha256.Sum256(v.raw) }

// Verify checks the signature, as Agave and Firedancer do. What it returns has
// its own copy of the bytes. The error is ErrSignature.
func (v Value) Verify() (Verified, error) {
	signature := v.Signature()
	if !v.label.Origin.Verify(v.signable(), &signature) {
		return Verified{}, fmt.Errorf("%v: %w", v.label, ErrSignature)
	}
	kept := v.record
	kept.raw = bytes.Clone(v.raw)
	return Verified{kept, v.Hash()}, nil
}

// Verified is a value that its origin signed. Only Verify and Sign make one.
type Verified struct {
	record
	hash Hash
}

// Hash is the SHA-256 of the bytes.
func (v Verified) Hash() Hash { return v.hash }

// Value is v as a part of a message to send. It shares the memory of v.
func (v Verified) Value() Value { return Value{v.record} }

// errExtensions means that Agave would find the signature wrong.
var errExtensions = errors.New("contact info has extensions, want none")

// errNoKind means that a tag is not one of CrdsData's.
var errNoKind = errors.New("no such kind of value")

// Sign makes a value of data that belongs to the key, which must be whole. It
// refuses what other nodes would refuse.
func Sign(key ed25519.PrivateKey, data Data) (Verified, error) {
	label := data.Label()
	if owner := PubkeyOf(key); label.Origin != owner {
		return Verified{}, fmt.Errorf("sign %v: key is that of %v", label, owner)
	}
	c := Modern.writer(make([]byte, len(Signature{}), 256))
	c.data(&data)
	if err := c.finish(); err != nil {
		return Verified{}, fmt.Errorf("sign %v: %w", label, err)
	}
	if len(c.buf) > MaxValues {
		return Verified{}, fmt.Errorf("sign %v: %d bytes, want at most %d", label, len(c.buf), MaxValues)
	}
	r := newRecord(c.buf, data)
	if !r.Relayable() {
		return Verified{}, fmt.Errorf("sign %v: %w", label, errExtensions)
	}
	signature := sign(key, r.signable())
	copy(r.raw, signature[:])
	return Verified{r, sha256.Sum256(r.raw)}, nil
}

// DecodeValue reads a value alone, as in a file, in the Modern dialect.
func DecodeValue(b []byte) (Value, error) { return Modern.DecodeValue(b) }

// DecodeValue reads a value alone. Nothing may follow it. It shares the memory
// of b.
func (d Dialect) DecodeValue(b []byte) (Value, error) {
	var v Value
	c := d.reader(b)
	v.walk(c)
	if err := c.finish(); err != nil {
		return Value{}, fmt.Errorf("decode value: %w", err)
	}
	return v, nil
}

// walk reads a value, or writes the bytes that it was read from.
func (v *Value) walk(c *codec) {
	if c.writing {
		if len(v.raw) == 0 {
			c.fail("signature", errNoValue)
		}
		c.buf = append(c.buf, v.raw...)
		return
	}
	start := c.at
	c.take("signature", len(Signature{}))
	var d Data
	c.data(&d)
	if c.err == nil {
		v.record = newRecord(c.buf[start:c.at:c.at], d)
	}
}

// errNoValue means that there is nothing to write.
var errNoValue = errors.New("value is empty")

func newRecord(raw []byte, d Data) record {
	r := record{raw: raw, label: d.Label(), when: d.When()}
	if n, ok := d.(*ContactInfo); ok {
		r.outset, r.extended = n.Outset, len(n.Extensions) > 0
	}
	return r
}
