package gossip

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// TestWeightedShuffleIsAPermutation for every number of weights.
func TestWeightedShuffleIsAPermutation(t *testing.T) {
	random := dice()
	for n := range 70 {
		weights := make([]uint64, n)
		for i := range weights {
			weights[i] = random() % 4
		}
		order := slices.Collect(newWeightedShuffle(weights).all(random))
		zeros := false
		for _, i := range order {
			if zeros && weights[i] != 0 {
				t.Errorf("weights %v come in the order %v", weights, order)
			}
			zeros = weights[i] == 0
		}
		slices.Sort(order)
		for i, got := range order {
			same(t, "index", got, i)
		}
		same(t, "indices", len(order), n)
	}
}

// TestWeightedShuffleIsWeighted compares how often each order comes with how
// often it should: for weights of 1, 2 and 3 the order 2, 0, 1 should come in 3/6 ×
// 1/3 of all cases.
func TestWeightedShuffleIsWeighted(t *testing.T) {
	const draws = 60_000
	weights := []uint64{1, 2, 3}
	random := dice()
	counts := make(map[[3]int]int)
	for range draws {
		counts[[3]int(slices.Collect(newWeightedShuffle(weights).all(random)))]++
	}
	same(t, "orders", len(counts), 6)
	for order, count := range counts {
		first, second := float64(weights[order[0]]), float64(weights[order[1]])
		want := draws * first / 6 * second / (6 - first)
		if deviation := math.Abs(float64(count)-want) / math.Sqrt(want); deviation > 4 {
			t.Errorf("the order %v came %d times, want about %.0f", order, count, want)
		}
	}
}

// TestWeightedShuffleFirst has the weights of Agave's test_weighted_shuffle_sanity.
func TestWeightedShuffleFirst(t *testing.T) {
	const draws = 100_000
	weights := []uint64{1, 0, 1000, 0, 0, 10, 100, 0}
	random := dice()
	s := newWeightedShuffle(weights)
	var kept, removed [8]int
	for range draws {
		i, ok := s.first(random)
		same(t, "drawn", ok, true)
		kept[i]++
		for i := range newWeightedShuffle(weights).all(random) {
			removed[i]++
			break
		}
	}
	for i, weight := range weights {
		want := draws * float64(weight) / 1111
		for _, got := range []int{kept[i], removed[i]} {
			if math.Abs(float64(got)-want) > 4*math.Sqrt(want) {
				t.Errorf("index %d was drawn %d times, want about %.0f", i, got, want)
			}
		}
	}
}

func TestWeightedShuffleOfNothing(t *testing.T) {
	for name, weights := range map[string][]uint64{"nil": nil, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			s := newWeightedShuffle(weights)
			_, ok := s.first(dice())
			same(t, "drawn", ok, false)
			same(t, "indices", len(slices.Collect(s.all(dice()))), 0)
		})
	}
}

// TestWeightedShuffleOfZeros has no preferences.
func TestWeightedShuffleOfZeros(t *testing.T) {
	random := dice()
	var first, alone [5]int
	for range 5000 {
		s := newWeightedShuffle(make([]uint64, 5))
		i, ok := s.first(random)
		same(t, "drawn", ok, true)
		alone[i]++
		first[slices.Collect(s.all(random))[0]]++
	}
	for i := range 5 {
		for _, got := range []int{first[i], alone[i]} {
			if got < 850 || got > 1150 {
				t.Errorf("index %d was drawn %d times, want about 1000", i, got)
			}
		}
	}
}

// TestWeightedShuffleOverflow takes what does not fit into the sum for zero.
func TestWeightedShuffleOverflow(t *testing.T) {
	random := dice()
	weights := []uint64{1, math.MaxUint64 - 3, 1, 2, 1, math.MaxUint64, 0}
	for range 100 {
		order := slices.Collect(newWeightedShuffle(weights).all(random))
		same(t, "indices", len(order), len(weights))
		last := order[4:]
		slices.Sort(last)
		same(t, "last ones", fmt.Sprint(last), fmt.Sprint([]int{3, 5, 6}))
	}
}

// TestWeightedShuffleGoesOn where it was left.
func TestWeightedShuffleGoesOn(t *testing.T) {
	random := dice()
	s := newWeightedShuffle([]uint64{1, 2, 0, 0, 3})
	var order []int
	for range 5 {
		for i := range s.all(random) {
			order = append(order, i)
			break
		}
	}
	slices.Sort(order)
	same(t, "drawn", fmt.Sprint(order), "[0 1 2 3 4]")
	_, ok := s.first(random)
	same(t, "drawn again", ok, false)
}

// TestBelow is uniform where half of all numbers have to be rejected.
func TestBelow(t *testing.T) {
	random := dice()
	const n = math.MaxUint64/2 + 2
	var halves [2]int
	for range 10_000 {
		same(t, "number below 1", below(1, random), 0)
		number := below(n, random)
		if number >= n {
			t.Fatalf("%d is not below %d", number, uint64(n))
		}
		halves[min(number/(n/2), 1)]++
	}
	if halves[0] < 4800 || halves[0] > 5200 {
		t.Errorf("the halves have %v numbers", halves)
	}
}

func BenchmarkWeightedShuffle(b *testing.B) {
	random := dice()
	weights := make([]uint64, 8192)
	for i := range weights {
		weights[i] = random() % 625
	}
	for b.Loop() {
		n := 0
		for range newWeightedShuffle(weights).all(random) {
			if n++; n == activePeers {
				break
			}
		}
	}
}
