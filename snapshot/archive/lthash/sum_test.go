package lthash

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"lukechampine.com/blake3"
	"pgregory.net/rapid"
)

// eachKernel runs a test with every kernel that this machine has.
func eachKernel(t *testing.T, f func(t *testing.T, s *Sum)) {
	t.Helper()
	for _, k := range kernels() {
		t.Run(k.name, func(t *testing.T) { f(t, sumWith(k)) })
	}
}

func sumWith(k *kernel) *Sum { return &Sum{added: newPool(k), removed: newPool(k)} }

// reference is the definition, by the library's Hasher.
func reference(a *Account) Hash {
	if a.Lamports == 0 {
		return Hash{}
	}
	h := blake3.New(32, nil)
	_ = binary.Write(h, binary.LittleEndian, a.Lamports)
	h.Write(a.Data)
	_ = binary.Write(h, binary.LittleEndian, a.Executable)
	h.Write(a.Owner[:])
	h.Write(a.Pubkey[:])
	var b [Size]byte
	if _, err := io.ReadFull(h.XOF(), b[:]); err != nil {
		panic(err)
	}
	return FromBytes(&b)
}

// edges are lengths at which messages get another block, chunk or level of the
// tree, and their neighbours.
var edges = func() (sizes []int) {
	for _, message := range []int{headSize + tailSize, 64, 128, 192, 238, 256, 960, 1023, 1024, 2048, 3 << 10, 5 << 10, 8 << 10, 9 << 10, 15 << 10, 16 << 10, 17 << 10, 32 << 10, 48<<10 + 100, 65 << 10} {
		for data := message - headSize - tailSize - 1; data <= message-headSize-tailSize+1; data++ {
			if data >= 0 {
				sizes = append(sizes, data)
			}
		}
	}
	return append(sizes, 0, 1, 63, 64, 65, 127, 128, 165, 238, 1023, 1024, 1025, 2048)
}()

// made is an account with random fields and so much data.
func made(random *rand.ChaCha8, size int) Account {
	a := Account{Lamports: random.Uint64() | 1, Data: make([]byte, size), Executable: random.Uint64()&1 == 1}
	random.Read(a.Data)
	random.Read(a.Owner[:])
	random.Read(a.Pubkey[:])
	return a
}

// TestOf compares with the library at every edge.
func TestOf(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	for _, size := range edges {
		a := made(random, size)
		if Of(&a) != reference(&a) {
			t.Errorf("hash of an account with %d bytes is wrong", size)
		}
	}
	if a := (Account{Data: []byte("closed"), Pubkey: [32]byte{1}}); Of(&a) != (Hash{}) {
		t.Error("an account without lamports has a hash")
	}
}

// TestSumOfOne has every other lane of a batch empty.
func TestSumOfOne(t *testing.T) {
	random := rand.NewChaCha8([32]byte{2})
	for _, size := range edges {
		a := made(random, size)
		want := reference(&a)
		for _, k := range kernels() {
			s := sumWith(k)
			s.Add(&a)
			if s.Total() != want {
				t.Errorf("%s: sum of one account with %d bytes is wrong", k.name, size)
			}
		}
	}
}

// run is a few calls of Add or Sub with accounts of one size.
type run struct {
	size, count   int
	closed        bool // no lamports
	sub, totalled bool
}

// runs draws runs of which most share a few sizes, so that some batches fill and
// others do not.
func runs(t *rapid.T) []run {
	size := rapid.OneOf(rapid.SampledFrom(edges), rapid.IntRange(0, 5000), rapid.IntRange(0, 300))
	sizes := rapid.SliceOfN(size, 1, 4).Draw(t, "sizes")
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) run {
		return run{
			size:     rapid.SampledFrom(sizes).Draw(t, "size"),
			count:    rapid.SampledFrom([]int{0, 1, 2, 3, 5, 8, 15, 16, 17, 31, 40}).Draw(t, "count"),
			closed:   rapid.IntRange(0, 9).Draw(t, "closed") == 9,
			sub:      rapid.Bool().Draw(t, "sub"),
			totalled: rapid.IntRange(0, 9).Draw(t, "totalled") == 9,
		}
	}), 0, 12).Draw(t, "runs")
}

// TestSum compares any sequence of calls with the definition, for every kernel.
// It overwrites what it handed over as soon as the call returns.
func TestSum(t *testing.T) {
	for _, k := range kernels() {
		t.Run(k.name, func(t *testing.T) {
			random := rand.NewChaCha8([32]byte{3})
			rapid.Check(t, func(t *rapid.T) {
				s := sumWith(k)
				var want Hash
				for _, r := range runs(t) {
					r.mix(s, &want, random)
					if r.totalled && s.Total() != want {
						t.Fatal("total in between is wrong")
					}
				}
				if s.Total() != want {
					t.Fatal("total is wrong")
				}
			})
		})
	}
}

// mix gives accounts to a Sum and their hashes to want.
func (r run) mix(s *Sum, want *Hash, random *rand.ChaCha8) {
	into, expect := s.Add, want.Add
	if r.sub {
		into, expect = s.Sub, want.Sub
	}
	for range r.count {
		a := made(random, r.size)
		if r.closed {
			a.Lamports = 0
		}
		one := reference(&a)
		expect(&one)
		into(&a)
		clear(a.Data)
		a = Account{}
	}
}

// TestSumCancels takes out what it put in, in another order.
func TestSumCancels(t *testing.T) {
	eachKernel(t, func(t *testing.T, s *Sum) {
		random := rand.NewChaCha8([32]byte{4})
		var accounts []Account
		for i := range 500 {
			accounts = append(accounts, made(random, i*13%2500))
		}
		for i := range accounts {
			s.Add(&accounts[i])
		}
		if s.Total() == (Hash{}) {
			t.Fatal("sum of many accounts is the identity")
		}
		for i := range accounts {
			s.Sub(&accounts[len(accounts)-1-i])
		}
		if s.Total() != (Hash{}) {
			t.Error("sum of no accounts is not the identity")
		}
	})
}

// TestSumsInParallel has a Sum for each goroutine and adds up their totals.
func TestSumsInParallel(t *testing.T) {
	random := rand.NewChaCha8([32]byte{10})
	var want Hash
	totals := make([]Hash, 4)
	var wg sync.WaitGroup
	for i := range totals {
		var mine []Account
		for j := range 100 {
			a := made(random, j*41%3000)
			one := Of(&a)
			want.Add(&one)
			mine = append(mine, a)
		}
		wg.Go(func() {
			var s Sum
			for j := range mine {
				s.Add(&mine[j])
			}
			totals[i] = s.Total()
		})
	}
	wg.Wait()
	var got Hash
	for i := range totals {
		got.Add(&totals[i])
	}
	if got != want {
		t.Error("totals do not add up")
	}
}

// TestZeroSum is ready for use, and shares nothing with the next.
func TestZeroSum(t *testing.T) {
	a := made(rand.NewChaCha8([32]byte{5}), 100)
	one := Of(&a)
	var plus, minus Sum
	if plus.Total() != (Hash{}) {
		t.Error("the zero Sum is not the identity")
	}
	plus.Add(&a)
	if plus.Total() != one {
		t.Error("the zero Sum does not add")
	}
	minus.Sub(&a)
	h := minus.Total()
	if h.Add(&one); h != (Hash{}) {
		t.Error("the zero Sum does not subtract")
	}
}

// TestSumAllocates nothing once it has its memory.
func TestSumAllocates(t *testing.T) {
	random := rand.NewChaCha8([32]byte{6})
	for _, size := range []int{0, 165, 3000, 20_000} {
		a := made(random, size)
		eachKernel(t, func(t *testing.T, s *Sum) {
			if n := testing.AllocsPerRun(100, func() { s.Add(&a); s.Sub(&a) }); n != 0 {
				t.Errorf("Add and Sub of %d bytes allocate %v times", size, n)
			}
		})
	}
}
