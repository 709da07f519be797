package middleware

import (
	"io"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"solsnap/snapshot"
)

// pacedTo asks the kernel what the sockets of the running downloads are paced to.
func (g *rig) pacedTo() (rates []uint64) {
	g.t.Helper()
	g.transfers.mu.Lock()
	defer g.transfers.mu.Unlock()
	for tr := range g.transfers.active {
		err := tr.conn.raw.Control(func(fd uintptr) {
			rate, err := unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE)
			if err != nil {
				g.t.Error(err)
			}
			rates = append(rates, rate)
		})
		if err != nil {
			g.t.Error(err)
		}
	}
	return rates
}

func TestDownloadRateIsTheSockets(t *testing.T) {
	const limit = 16 << 20
	g := newRig(t, rigOptions{limits: Limits{DownloadRate: limit}}, map[snapshot.Name][]byte{full: big})
	g.start("/" + full.String())
	if rates := g.pacedTo(); len(rates) != 1 || rates[0] != limit {
		t.Errorf("paced to %d, want %d", rates, limit)
	}
	g.transfers.SetLimits(Limits{})
	if rates := g.pacedTo(); len(rates) != 1 || rates[0] < 1<<32 {
		t.Errorf("paced to %d after the limit is lifted", rates)
	}
}

func TestTotalRateIsSharedAmongSockets(t *testing.T) {
	const total = 32 << 20
	g := newRig(t, rigOptions{limits: Limits{TotalRate: total}}, map[snapshot.Name][]byte{full: big})
	for range 4 {
		g.start("/" + full.String())
	}
	rates := g.pacedTo()
	if len(rates) != 4 {
		t.Errorf("%d sockets are paced, want 4", len(rates))
	}
	for _, rate := range rates {
		if rate != total/4 {
			t.Errorf("paced to %d, want %d", rate, total/4)
		}
	}
}

// TestRateHoldsForPiecesAndHTTP2: what cannot be paced by its socket, or is over
// before a share means anything, is held to the rate as well. Twice the rate is
// tolerated, and hundreds of times would be reached without a limit.
func TestRateHoldsForPiecesAndHTTP2(t *testing.T) {
	const limit = 2 << 20
	for name, c := range map[string]struct {
		opts  rigOptions
		piece string
	}{
		"HTTP/2, each":     {rigOptions{tls: true, limits: Limits{DownloadRate: limit}}, ""},
		"HTTP/2, together": {rigOptions{tls: true, limits: Limits{TotalRate: limit}}, ""},
		"pieces, together": {rigOptions{limits: Limits{TotalRate: limit}}, "bytes=0-499999"},
		"pieces, each":     {rigOptions{limits: Limits{DownloadRate: limit}}, "bytes=0-499999"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, c.opts, map[snapshot.Name][]byte{full: big})
			start, got := time.Now(), int64(0)
			for got < limit*3/4 {
				got += g.read(c.piece, limit*3/4)
			}
			if rate := float64(got) / time.Since(start).Seconds(); rate > 2*limit {
				t.Errorf("%.0f bytes a second, want %d", rate, limit)
			}
		})
	}
}

// read reads at most most bytes of a download.
func (g *rig) read(ranges string, most int64) int64 {
	g.t.Helper()
	req, err := http.NewRequest(http.MethodGet, g.URL+"/"+full.String(), nil)
	if err != nil {
		g.t.Fatal(err)
	}
	if ranges != "" {
		req.Header.Set("Range", ranges)
	}
	resp, err := g.Client().Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, most))
	if err != nil {
		g.t.Fatal(err)
	}
	return n
}
