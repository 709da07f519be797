package middleware

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// Limits bound the downloads. A download is a response with a body of more than
// SmallBody bytes from an archive; everything smaller is never counted or
// refused, so that heads and probes are answered when every slot is taken. What
// is above 64 KiB is paced and held to its progress all the same.
type Limits struct {
	// MaxDownloads is how many downloads run at once. 0 means no limit.
	MaxDownloads int
	// MaxDownloadsPerClient is the same for one client address (one /64 in
	// IPv6). 0 means no limit.
	MaxDownloadsPerClient int
	// DownloadRate is the most that one download gets, TotalRate the most that
	// all get together, in bytes per second of TCP payload. 0 means no limit. On
	// Linux the socket keeps the rate; elsewhere, and under HTTP/2, we do. Of the
	// total, what one client takes in bodies that are no downloads counts as one
	// download, and all of that leaves each download twice MinimumRate, as far as
	// there is so much.
	DownloadRate, TotalRate int64
	// MinimumRate is what a client must take, in bytes per second over
	// MinimumWindow, or be cut off; while we make it wait, the time stands still.
	// 0 means that stalled clients stay.
	MinimumRate int64
	// MinimumWindow is the time over which MinimumRate is measured. Default 30 s.
	MinimumWindow time.Duration
}

// SmallBody is the size in bytes up to which a body is not a download.
const SmallBody = 1 << 20

// lookEvery is how often the running downloads are looked at, at least.
const lookEvery = time.Second

// The reasons for which a download is cut, in the words of the access log.
var (
	errTooSlow  = errors.New("below the minimum progress rate")
	errRecycled = errors.New("archive is being recycled")
	errDrained  = errors.New("server stopped")
)

// Transfers is the registry of the running downloads. It admits them, demands
// progress, and paces them.
type Transfers struct {
	logger  *slog.Logger
	metrics *transferMetrics

	mu     sync.Mutex
	limits Limits                 // guarded by mu
	active map[*transfer]struct{} // everything above tinyBody; guarded by mu
	taken  int                    // slots; guarded by mu
	client map[netip.Addr]int     // slots by client; guarded by mu
	// pieces are what runs without a slot under a TotalRate, by client; guarded by mu.
	pieces  map[netip.Addr]*pieces
	checked time.Time     // when Run last looked; guarded by mu
	wake    chan struct{} // tells Run of new limits; capacity 1, further ones coalesce
}

// NewTransfers makes an empty registry. A nil logger discards.
func NewTransfers(limits Limits, logger *slog.Logger) *Transfers {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Transfers{
		logger:  logger,
		metrics: newTransferMetrics(),
		limits:  limits.withDefaults(),
		active:  make(map[*transfer]struct{}),
		client:  make(map[netip.Addr]int),
		pieces:  make(map[netip.Addr]*pieces),
		wake:    make(chan struct{}, 1),
		checked: time.Now(),
	}
}

func (l Limits) withDefaults() Limits {
	if l.MinimumWindow == 0 {
		l.MinimumWindow = 30 * time.Second
	}
	return l
}

// SetLimits replaces the limits. Running downloads above a new maximum go on;
// new ones wait their turn elsewhere.
func (t *Transfers) SetLimits(l Limits) {
	t.mu.Lock()
	t.limits = l.withDefaults()
	t.rebalance()
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Limits returns the limits in force.
func (t *Transfers) Limits() Limits {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limits
}

// Collector counts downloads for Prometheus.
func (t *Transfers) Collector() prometheus.Collector { return t.metrics }

// Run watches the progress of the running downloads until ctx is done, and then
// cuts those that are left: its caller cancels ctx only when they have had
// their time.
func (t *Transfers) Run(ctx context.Context) error {
	timer := time.NewTimer(t.period())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			t.Cut()
			return nil
		case <-t.wake:
		case now := <-timer.C:
			t.check(now)
		}
		timer.Reset(t.period())
	}
}

// period is how often Run looks: a sixth of the window, so that a stalled
// client is cut off within 7/6 of it, but each second at least: shares follow the
// demand, and a writer may wait for an archive.
func (t *Transfers) period() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return min(max(t.limits.MinimumWindow/windowParts, time.Millisecond), lookEvery)
}

// admit begins to watch the transfer, and gives it a slot if it needs one, or
// says why there is none.
func (t *Transfers) admit(tr *transfer, slot bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slot {
		if err := t.takeSlot(tr); err != nil {
			return err
		}
	}
	tr.slot, tr.watched = slot, true
	t.active[tr] = struct{}{}
	if shared := t.limits.TotalRate > 0; shared && (slot || t.joinPieces(tr)) {
		t.rebalance()
	} else {
		tr.pace(float64(t.limits.DownloadRate)) // the others' shares do not depend on it
	}
	return nil
}

func (t *Transfers) takeSlot(tr *transfer) error {
	switch {
	case t.limits.MaxDownloads > 0 && t.taken >= t.limits.MaxDownloads:
		t.metrics.refused.WithLabelValues(limitTotal).Inc()
		return errBusy
	case t.limits.MaxDownloadsPerClient > 0 && t.client[tr.client] >= t.limits.MaxDownloadsPerClient:
		t.metrics.refused.WithLabelValues(limitClient).Inc()
		return errBusyClient
	}
	t.taken++
	t.client[tr.client]++
	t.metrics.active.Set(float64(t.taken))
	return nil
}

// release ends the watch and takes the slot back.
func (t *Transfers) release(tr *transfer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.active, tr)
	if tr.pieces != nil {
		tr.pieces.running--
	}
	if !tr.slot {
		return
	}
	t.taken--
	if t.client[tr.client]--; t.client[tr.client] == 0 {
		delete(t.client, tr.client)
	}
	t.metrics.active.Set(float64(t.taken))
	if t.limits.TotalRate > 0 {
		t.rebalance()
	}
}

// limiterOf is the limiter that the transfer waits for, nil if the kernel paces.
func (t *Transfers) limiterOf(tr *transfer) *rate.Limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	return tr.limiter
}

// check cuts the downloads that make no progress and shares the total anew.
func (t *Transfers) check(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for tr := range t.active {
		tr.sample(now, t.limits)
		if t.limits.MinimumRate > 0 && tr.tooSlow(now, t.limits) {
			tr.cut(errTooSlow)
		}
	}
	t.lookAtPieces(now.Sub(t.checked))
	t.checked = now
	t.rebalance()
}

// Cut ends every running download, for a server that stops.
func (t *Transfers) Cut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for tr := range t.active {
		tr.cut(errDrained)
	}
}

// rebalance gives each download its share. The caller holds mu.
func (t *Transfers) rebalance() {
	var running []*transfer
	var demands []float64
	for tr := range t.active {
		if t.limits.TotalRate > 0 && tr.slot {
			running, demands = append(running, tr), append(demands, tr.demand())
		} else {
			tr.pace(float64(t.limits.DownloadRate))
		}
	}
	if t.limits.TotalRate == 0 {
		t.freePieces()
		return
	}
	clients, pieceDemands := t.pieceDemands()
	shares, pieceShares := divide(float64(t.limits.TotalRate), t.mostForPieces(), demands, pieceDemands)
	for i, share := range shares {
		if t.limits.DownloadRate > 0 {
			share = min(share, float64(t.limits.DownloadRate))
		}
		running[i].pace(share)
	}
	for i, share := range pieceShares {
		clients[i].limiter.SetLimit(rate.Limit(share))
	}
}

// Transfer describes a running download, for status pages.
type Transfer struct {
	Name      string    `json:"name"`
	Peer      string    `json:"peer"`
	Started   time.Time `json:"started"`
	Sent      int64     `json:"sent"`
	Size      int64     `json:"size"`
	Rate      int64     `json:"rate"`
	RequestID string    `json:"requestId"`
}

// List describes the running downloads, oldest first.
func (t *Transfers) List() []Transfer {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Transfer, 0, len(t.active))
	for tr := range t.active {
		if tr.slot {
			list = append(list, tr.describe())
		}
	}
	slices.SortFunc(list, func(a, b Transfer) int { return a.Started.Compare(b.Started) })
	return list
}

// demandless is the demand of a client that takes all it is given.
var demandless = math.Inf(1)

// refuse answers a download for which there is no slot. The body is for people;
// clients go by the status (RFC 9110 §15.6.4) and Retry-After, jittered so that
// those refused together do not return together.
func refuse(w http.ResponseWriter, cause error) {
	h := w.Header()
	dropFileFields(h)
	delete(h, "Content-Range")
	h["Retry-After"] = []string{RetryAfter()}
	plainText(w, http.StatusServiceUnavailable, cause.Error())
}

// gone answers that the file has been lost since its head was made up.
func gone(w http.ResponseWriter) {
	h := w.Header()
	dropFileFields(h)
	delete(h, "Content-Range")
	notFound(w)
}

// dropFileFields removes what was said of a file from the head of an error.
func dropFileFields(h http.Header) {
	for _, name := range []string{"Accept-Ranges", "Content-Disposition", "Etag", "Last-Modified", "Repr-Digest"} {
		delete(h, name)
	}
	h["Cache-Control"] = noStore
}

// RetryAfter is a number of whole seconds, 5 to 20: jittered, so that those who
// are refused together do not return together.
func RetryAfter() string { return strconv.Itoa(5 + rand.IntN(16)) }
