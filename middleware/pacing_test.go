package middleware

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"
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

func TestDivideKeepsPiecesToTheirMost(t *testing.T) {
	inf := math.Inf(1)
	for name, c := range map[string]struct {
		most                   float64
		downloads, pieces      []float64
		wantShares, wantPieces []float64
	}{
		"below it all are alike":    {80, []float64{inf}, []float64{inf}, []float64{50}, []float64{50}},
		"above it they share it":    {20, []float64{inf, inf}, []float64{inf, inf}, []float64{40, 40}, []float64{10, 10}},
		"many change nothing":       {20, []float64{inf}, []float64{inf, inf, inf, inf}, []float64{80}, []float64{5, 5, 5, 5}},
		"downloads get what is not": {20, []float64{inf, inf}, []float64{10}, []float64{45, 45}, []float64{10}},
		"without pieces":            {20, []float64{inf}, nil, []float64{100}, []float64{}},
		"without downloads":         {20, nil, []float64{inf, inf}, []float64{}, []float64{50, 50}},
	} {
		t.Run(name, func(t *testing.T) {
			shares, pieces := divide(100, c.most, c.downloads, c.pieces)
			if diff := cmp.Diff(c.wantShares, shares); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.wantPieces, pieces); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// admitted is a transfer in the registry, whose socket cannot be paced.
func admitted(t *testing.T, transfers *Transfers, slot bool, client string) *transfer {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/x", nil)
	r.RemoteAddr = client + ":1234"
	tr := transfers.newTransfer(httptest.NewRecorder(), r, "x", "full", steady{})
	tr.size = SmallBody
	tr.begin()
	if err := transfers.admit(tr, slot); err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestPiecesOfAClientCountAsOneDownload: however many connections it opens.
func TestPiecesOfAClientCountAsOneDownload(t *testing.T) {
	const total = 16_000_000
	transfers := NewTransfers(Limits{TotalRate: total}, nil)
	running := admitted(t, transfers, true, "192.0.2.1")
	var short []*transfer
	for range 400 {
		short = append(short, admitted(t, transfers, false, "192.0.2.2"))
	}
	wantShares(t, map[string]*transfer{"download": running, "pieces": short[0]}, total/2)
	other := admitted(t, transfers, false, "192.0.2.3")
	wantShares(t, map[string]*transfer{"download": running, "pieces": short[0], "pieces of another": other}, total/3)

	for _, tr := range append(short, other) {
		tr.count(1000, nil)
		transfers.release(tr)
	}
	transfers.check(transfers.checked.Add(time.Second))
	if len(transfers.pieces) != 2 {
		t.Errorf("pieces of %d clients, want those that may go on", len(transfers.pieces))
	}
	transfers.check(transfers.checked.Add(time.Second))
	wantShares(t, map[string]*transfer{"download without pieces": running}, total)
	if len(transfers.pieces) != 0 {
		t.Errorf("pieces of %d clients are left", len(transfers.pieces))
	}
}

func wantShares(t *testing.T, of map[string]*transfer, want float64) {
	t.Helper()
	for name, tr := range of {
		if got := float64(tr.limiter.Limit()); math.Abs(got-want) > want*0.02 { // which is not worth a new pace
			t.Errorf("%s: %g bytes a second, want %g", name, got, want)
		}
	}
}

// TestPiecesLeaveDownloadsTheirMinimum: hundreds of clients that ask for pieces do
// not push a download down to where it is cut.
func TestPiecesLeaveDownloadsTheirMinimum(t *testing.T) {
	const minimum, downloads, clients = 64 << 10, 8, 200
	for name, c := range map[string]struct {
		total, want, wantPieces float64
	}{
		"twice the minimum":          {16 << 20, 2 * minimum, 16<<20 - downloads*2*minimum},
		"but pieces get a sixteenth": {downloads * 2 * minimum, 2 * minimum * 15 / 16, downloads * 2 * minimum / 16},
	} {
		t.Run(name, func(t *testing.T) {
			transfers := NewTransfers(Limits{TotalRate: int64(c.total), MinimumRate: minimum}, nil)
			running := make(map[string]*transfer)
			for i := range downloads {
				running[strconv.Itoa(i)] = admitted(t, transfers, true, "192.0.2.1")
			}
			for i := range clients {
				admitted(t, transfers, false, fmt.Sprintf("198.51.100.%d", i))
			}
			wantShares(t, running, c.want)
			sum := 0.0
			for _, p := range transfers.pieces {
				sum += float64(p.limiter.Limit())
			}
			if math.Abs(sum-c.wantPieces) > 1 {
				t.Errorf("pieces have %g together, want %g", sum, c.wantPieces)
			}
		})
	}
}

// TestPiecesCountWhatTheySend: what is asked for and not taken is no demand.
func TestPiecesCountWhatTheySend(t *testing.T) {
	const total = 16_000_000
	transfers := NewTransfers(Limits{TotalRate: total}, nil)
	running, piece := admitted(t, transfers, true, "192.0.2.1"), admitted(t, transfers, false, "192.0.2.2")
	piece.count(100_000, nil)
	transfers.check(transfers.checked.Add(time.Second))
	wantShares(t, map[string]*transfer{"piece": piece}, 125_000) // a quarter more
	wantShares(t, map[string]*transfer{"download": running}, total-125_000)
}

func TestPiecesGoFreelyWithoutATotal(t *testing.T) {
	transfers := NewTransfers(Limits{TotalRate: 1000}, nil)
	before := admitted(t, transfers, false, "192.0.2.2")
	transfers.SetLimits(Limits{})
	if before.limiter.Limit() != rate.Inf {
		t.Errorf("a piece is held to %g", before.limiter.Limit())
	}
	if after := admitted(t, transfers, false, "192.0.2.2"); after.limiter != nil {
		t.Error("a piece waits for its turn")
	}
	transfers.SetLimits(Limits{TotalRate: 2000})
	wantShares(t, map[string]*transfer{"a piece, after the limit is back": before}, 2000)
}

// TestRateHoldsForEachDownloadOfAConnection whose socket cannot be paced.
func TestRateHoldsForEachDownloadOfAConnection(t *testing.T) {
	const limit = 1_000_000
	for name, raw := range map[string]syscall.RawConn{"unknown": nil, "refuses": closedConn{}} {
		t.Run(name, func(t *testing.T) {
			transfers := NewTransfers(Limits{DownloadRate: limit}, nil)
			shared := &connection{raw: raw}
			for range 3 {
				tr := transfers.newTransfer(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/x", nil), "x", "full", steady{})
				tr.conn = shared
				tr.begin()
				if err := transfers.admit(tr, true); err != nil {
					t.Fatal(err)
				}
				if tr.limiter == nil || tr.limiter.Limit() != limit {
					t.Fatalf("limiter is %v, want one of %d", tr.limiter, limit)
				}
				if size := tr.pieceSize(tr.limiter); size != tinyBody {
					t.Errorf("%d bytes in a turn, want %d", size, tinyBody)
				}
				transfers.SetLimits(Limits{})
				if tr.limiter.Limit() != rate.Inf {
					t.Errorf("held to %g after the limit is lifted", tr.limiter.Limit())
				}
				transfers.SetLimits(Limits{DownloadRate: limit})
				transfers.release(tr)
			}
		})
	}
}

// closedConn is a socket that nothing can be asked of.
type closedConn struct{}

func (closedConn) Control(func(uintptr)) error    { return net.ErrClosed }
func (closedConn) Read(func(uintptr) bool) error  { return net.ErrClosed }
func (closedConn) Write(func(uintptr) bool) error { return net.ErrClosed }
