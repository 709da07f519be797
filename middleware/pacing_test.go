package middleware

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestFairShares(t *testing.T) {
	inf := math.Inf(1)
	for name, c := range map[string]struct {
		total   float64
		demands []float64
		want    []float64
	}{
		"nobody":                          {100, nil, []float64{}},
		"one takes all":                   {100, []float64{inf}, []float64{100}},
		"equals":                          {100, []float64{inf, inf}, []float64{50, 50}},
		"a slow one leaves its rest":      {100, []float64{10, inf, inf}, []float64{10, 45, 45}},
		"order is kept":                   {100, []float64{inf, 10}, []float64{90, 10}},
		"all content: the rest is spread": {100, []float64{10, 20}, []float64{45, 55}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, fairShares(c.total, c.demands)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFairSharesSpendTheTotalAndFavourNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Float64Range(1, 1e10).Draw(t, "total")
		demands := rapid.SliceOfN(rapid.Float64Range(0, 1e10), 1, 50).Draw(t, "demands")
		shares := fairShares(total, demands)
		sum := 0.0
		for i, share := range shares {
			sum += share
			for j := range shares {
				if share < demands[i]*(1-1e-9) && shares[j] > share*(1+1e-9) {
					t.Fatalf("%d wants %g, gets %g, while %d gets %g", i, demands[i], share, j, shares[j])
				}
			}
		}
		if math.Abs(sum-total) > total*1e-9 {
			t.Fatalf("shares sum to %g, want %g", sum, total)
		}
	})
}
