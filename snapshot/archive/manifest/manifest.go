package manifest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// MaxSize is the largest manifest there is: Agave unpacks none above 32 GiB
// (snapshots/src/unarchive.rs). Mainnet's had 316 MB in June 2026.
const MaxSize = 32 << 30

// What is kept by default is several times what there is to keep of mainnet's
// manifest: 50 MB, or the whole of it.
const (
	defaultMaxKept      = 256 << 20
	defaultMaxKeptWhole = 1 << 30
)

// Manifest is the state of one bank, but for the accounts. An incremental
// archive's manifest is as complete as a full one's. Slices keep the order of
// the file, which is random in manifests of Agave's: they were maps.
type Manifest struct {
	Bank       Bank
	AccountsDB AccountsDB
	Extra      Extra
	// Tail is the last field that the file has. Whoever makes up a manifest
	// must set it, for a current one to TailBlockID.
	Tail Tail
	// Legacy means that the file is of Agave 2.1 or older: there are epoch stakes
	// among its bank fields. Nothing after Bank.Stakes is decoded.
	Legacy bool
	// Trailing is how many bytes follow what was decoded: the fields of a newer
	// writer, or all that is not decoded of a legacy manifest.
	Trailing int64
	// Partial means that the file has more than was kept, so that it cannot be
	// encoded again.
	Partial bool
}

// Decoder says how much of a manifest to keep. The zero value keeps what there
// are questions about.
type Decoder struct {
	// Whole keeps, beyond that, every delegation (1.3 million on mainnet) and
	// the vote accounts' data in the epoch stakes: what Encode needs.
	Whole bool
	// MaxKept bounds the bytes of the file that are kept in memory, where they
	// take up to three times the room. Default 256 MiB, with Whole 1 GiB.
	MaxKept int64
}

func (d Decoder) withDefaults() Decoder {
	switch {
	case d.MaxKept != 0:
	case d.Whole:
		d.MaxKept = defaultMaxKeptWhole
	default:
		d.MaxKept = defaultMaxKept
	}
	return d
}

// Decode reads a manifest of size bytes as the zero Decoder does.
func Decode(r io.Reader, size int64) (*Manifest, error) { return Decoder{}.Decode(r, size) }

// Decode reads a manifest of size bytes from r, a window at a time. It reads no
// further than size, and not what it counts as Trailing. The error wraps a
// *DecodeError: io.ErrUnexpectedEOF where bytes are missing, r's own error, or
// what is malformed.
func (d Decoder) Decode(r io.Reader, size int64) (*Manifest, error) {
	if size < 0 || size > MaxSize {
		return nil, fmt.Errorf("decode manifest: size %d, want 0 to %d", size, int64(MaxSize))
	}
	d = d.withDefaults()
	c := &codec{in: newCursor(r, size, d.MaxKept), whole: d.Whole}
	m := new(Manifest)
	m.walk(c)
	if c.in.err != nil {
		return nil, fmt.Errorf("decode manifest: %w", c.in.err)
	}
	m.Trailing, m.Partial = c.in.left(), c.dropped
	return m, nil
}

// Encode writes what Decode reads, the same bytes for the same manifest: it is
// the inverse of a Decoder with Whole set. It refuses a manifest that is
// legacy, partial, or has fields set beyond its Tail, before it writes anything.
// It checks nothing else: to make archives that are wrong is a use.
func (m *Manifest) Encode(w io.Writer) error {
	if err := m.encodable(); err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	out := bufio.NewWriterSize(w, window)
	m.walk(&codec{out: out})
	if err := out.Flush(); err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	return nil
}

// Size is how many bytes Encode writes, which a tar header must say first.
func (m *Manifest) Size() (int64, error) {
	var size counter
	err := m.Encode(&size)
	return int64(size), err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

func (m *Manifest) encodable() error {
	switch needs := m.Extra.needs(); {
	case m.Legacy:
		return errors.New("it is legacy, want one of Agave 2.2 or later")
	case m.Partial:
		return errors.New("it was not decoded whole")
	case m.Trailing != 0:
		return fmt.Errorf("%d bytes of it were not decoded", m.Trailing)
	case m.Tail < TailNone || m.Tail > TailBlockID:
		return fmt.Errorf("tail %d, want %d to %d", m.Tail, TailNone, TailBlockID)
	case m.Tail < needs:
		return fmt.Errorf("it ends with field %d of the tail, but field %d is set", m.Tail, needs)
	}
	return nil
}

func (m *Manifest) walk(c *codec) {
	m.Bank.walkSettings(c)
	m.Bank.walkState(c)
	c.within("stakes", func() { m.Bank.Stakes.walk(c, bankDelegation) })
	if m.walkLegacy(c); m.Legacy {
		return
	}
	c.bool("is_delta", &m.Bank.IsDelta)
	m.AccountsDB.walk(c, m.Bank.Slot)
	m.walkTail(c)
}

// minLegacyEpochStakes is the size of epoch stakes in which nothing is staked,
// before they had a variant.
const minLegacyEpochStakes = minEpochStakes - 4

// walkLegacy walks the collections that only legacy manifests fill. What such a
// one has from those on is left to read as Trailing.
func (m *Manifest) walkLegacy(c *codec) {
	c.obsolete("unused_accounts.0", 32)
	c.obsolete("unused_accounts.1", 32)
	c.obsolete("unused_accounts.2", 32+8)
	if !c.reading() {
		c.write64(0)
		return
	}
	m.Legacy = c.in.count("unused_epoch_stakes", minLegacyEpochStakes) > 0
}
