package wire

import (
	"crypto/ed25519"
	"crypto/sha512"
	"encoding"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// curve is Ed25519 in numbers: -x² + y² = 1 + d·x²·y² modulo p.
type curve struct{ p, d *big.Int }

func newCurve() curve {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665))
	return curve{p, d.Mod(d, p)}
}

// x is one of the two numbers that y goes with, or nil.
func (c curve) x(y *big.Int) *big.Int {
	yy := new(big.Int).Mul(y, y)
	below := new(big.Int).Mul(c.d, yy)
	below.Add(below, big.NewInt(1)).ModInverse(below.Mod(below, c.p), c.p)
	xx := new(big.Int).Sub(yy, big.NewInt(1))
	xx.Mul(xx, below)
	return new(big.Int).ModSqrt(xx.Mod(xx, c.p), c.p)
}

// double is twice the point: 2xy / (y² - x²) and (y² + x²) / (2 - y² + x²).
func (c curve) double(x, y *big.Int) (*big.Int, *big.Int) {
	xx, yy, xy := new(big.Int).Mul(x, x), new(big.Int).Mul(y, y), new(big.Int).Mul(x, y)
	bottom := new(big.Int).Sub(yy, xx)
	x2 := c.over(xy.Lsh(xy, 1), bottom)
	return x2, c.over(new(big.Int).Add(yy, xx), bottom.Sub(big.NewInt(2), bottom))
}

func (c curve) over(a, b *big.Int) *big.Int {
	inverse := new(big.Int).ModInverse(b.Mod(b, c.p), c.p)
	return a.Mul(a, inverse).Mod(a, c.p)
}

// encodes gives all the ways to spell a coordinate below 2^255.
func (c curve) encodes(y *big.Int) [][32]byte {
	var spellings [][32]byte
	for ; y.BitLen() <= 255; y = new(big.Int).Add(y, c.p) {
		b := y.FillBytes(make([]byte, 32))
		slices.Reverse(b)
		spellings = append(spellings, [32]byte(b))
	}
	return spellings
}

// TestSmallOrderIsComplete works out which points have an order that divides
// eight, and compares with the table. There are eight such points, and so five
// values of y: those of 1, -1, ±i, and two of order 8, which double to y = 0.
func TestSmallOrderIsComplete(t *testing.T) {
	c := newCurve()
	var want [][32]byte
	distinct := map[string]bool{}
	for i := range smallOrderY {
		y := number(smallOrderY[i][:])
		y.Mod(y, c.p)
		distinct[y.String()] = true
		x := c.x(y)
		if x == nil {
			t.Fatalf("%x is no point", smallOrderY[i])
		}
		for _, spelling := range c.encodes(y) {
			if !slices.Contains(want, spelling) {
				want = append(want, spelling)
			}
		}
		for range 3 {
			x, y = c.double(x, y)
		}
		check(t, "x of eight times the point", x.Sign(), 0)
		check(t, "y of eight times the point", y.Cmp(big.NewInt(1)), 0)
	}
	check(t, "values of y", len(distinct), 5)
	check(t, "spellings", len(want), len(smallOrderY))
	for _, spelling := range want {
		check(t, "small order", smallOrder(spelling), true)
		spelling[31] ^= 0x80
		check(t, "small order of the opposite", smallOrder(spelling), true)
	}
	check(t, "small order of a key", smallOrder(PubkeyOf(seeded(1))), false)
}

// TestSmallOrderIsRefused has signatures that the standard library takes: any
// number of messages under a key of small order.
func TestSmallOrderIsRefused(t *testing.T) {
	for i := range smallOrderY {
		key := Pubkey(smallOrderY[i])
		s, message, ok := weakSignature(key)
		if !ok {
			t.Fatalf("the standard library takes no signature of %x", key)
		}
		check(t, "standard library", ed25519.Verify(key[:], message, s[:]), true)
		check(t, "ours", key.Verify(message, &s), false)
	}
	good := PubkeyOf(seeded(1))
	s := sign(seeded(1), []byte("message"))
	check(t, "good signature", good.Verify([]byte("message"), &s), true)
	check(t, "other message", good.Verify([]byte("massage"), &s), false)
}

// TestSmallOrderOfRIsRefused has the signature of a good key with the neutral
// point for R: the number is then the secret times the hash.
func TestSmallOrderOfRIsRefused(t *testing.T) {
	key, message := PubkeyOf(seeded(1)), []byte("message")
	s := Signature{0: 1}
	hash := sha512.Sum512(slices.Concat(s[:32], key[:], message))
	scalar := new(big.Int).Mul(secret(1), number(hash[:]))
	putNumber(s[32:], scalar.Mod(scalar, groupOrder()))
	check(t, "standard library", ed25519.Verify(key[:], message, s[:]), true)
	check(t, "ours", key.Verify(message, &s), false)
}

// weakSignature looks for a message that a number and its point sign for a key of
// small order: one whose hash is a multiple of that order.
func weakSignature(key Pubkey) (s Signature, message []byte, ok bool) {
	point := PubkeyOf(seeded(1))
	scalar := secret(1)
	copy(s[:], point[:])
	putNumber(s[32:], scalar.Mod(scalar, groupOrder()))
	for n := range 255 {
		message = []byte{byte(n)}
		if ed25519.Verify(key[:], message, s[:]) {
			return s, message, true
		}
	}
	return s, nil, false
}

// groupOrder is how many points the signatures of good keys are among.
func groupOrder() *big.Int {
	order, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	return order.Add(order, new(big.Int).Lsh(big.NewInt(1), 252))
}

// secret is the number behind a seeded key (RFC 8032, 5.1.5).
func secret(seed byte) *big.Int {
	digest := sha512.Sum512(seeded(seed).Seed())
	digest[0], digest[31] = digest[0]&^7, digest[31]&0x3f|0x40
	return number(digest[:32])
}

// number reads little-endian bytes.
func number(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

// putNumber writes little-endian bytes.
func putNumber(b []byte, v *big.Int) {
	v.FillBytes(b)
	slices.Reverse(b)
}

// TestTextForms has each type of text in each near miss.
func TestTextForms(t *testing.T) {
	type text interface {
		encoding.TextUnmarshaler
		encoding.TextMarshaler
	}
	for name, tt := range map[string]struct {
		value  text
		zero   string
		longer string
	}{
		"pubkey":    {new(Pubkey), strings.Repeat("1", 32), strings.Repeat("1", 33)},
		"hash":      {new(Hash), strings.Repeat("1", 32), strings.Repeat("1", 33)},
		"signature": {new(Signature), strings.Repeat("1", 64), strings.Repeat("1", 65)},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, "error", tt.value.UnmarshalText([]byte(tt.zero)), nil)
			printed, err := tt.value.MarshalText()
			check(t, "error", err, nil)
			check(t, "printed", string(printed), tt.zero)
			checkError(t, tt.value.UnmarshalText([]byte(tt.longer)), "want")
			checkError(t, tt.value.UnmarshalText([]byte(tt.zero[1:])), "decodes to")
			checkError(t, tt.value.UnmarshalText([]byte("0"+tt.zero[1:])), "is not base58")
			checkError(t, tt.value.UnmarshalText([]byte(strings.Repeat("z", 200))), "200 characters")
			checkError(t, tt.value.UnmarshalText(nil), "is not base58")
		})
	}
	check(t, "zero key", Pubkey{}.IsZero() && Hash{}.IsZero(), true)
	check(t, "zero key", Pubkey{31: 1}.IsZero() || Hash{31: 1}.IsZero(), false)
	check(t, "key", PubkeyOf(seeded(1)).String(), "AKnL4NNf3DGWZJS6cPknBuEGnVsV4A4m5tgebLHaRSZ9")
}
