package middleware

import (
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

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

// TestPiecesAndDownloadsShareTheTotal: neither goes beyond it, nor starves the other.
func TestPiecesAndDownloadsShareTheTotal(t *testing.T) {
	const total, downloads, pieces = 16_000_000, 2, 6
	transfers := NewTransfers(Limits{TotalRate: total}, nil)
	admit := func(slot bool) *transfer {
		tr := transfers.newTransfer(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/x", nil), "x", "full", steady{})
		tr.size = SmallBody
		tr.begin()
		if err := transfers.admit(tr, slot); err != nil {
			t.Fatal(err)
		}
		return tr
	}
	var running, short []*transfer
	for range downloads {
		running = append(running, admit(true))
	}
	for range pieces {
		short = append(short, admit(false))
	}
	const each = total / (downloads + pieces)
	if got := transfers.pieces.Limit(); got != pieces*each {
		t.Errorf("%d pieces have %g together, want %d each", pieces, got, each)
	}
	for _, tr := range running {
		if got := tr.limiter.Limit(); got != each {
			t.Errorf("a download has %g, want %d", got, each)
		}
	}
	for _, tr := range short {
		transfers.release(tr)
	}
	transfers.check(time.Now()) // pieces may go on between two looks,
	transfers.check(time.Now()) // and are gone at the second
	if got := running[0].limiter.Limit(); got != total/downloads {
		t.Errorf("without pieces a download has %g, want %d", got, total/downloads)
	}
}
