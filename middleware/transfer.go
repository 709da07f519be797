package middleware

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"solsnap/snapshot"
)

const (
	// windowParts is how many samples of progress cover the minimum window.
	windowParts = 6
	// chunkSize is how many bytes go to one sendfile before the file is looked
	// at again and others get the processor. At 1 MiB the look costs a quarter
	// more CPU per byte; above 16 MiB nothing is gained.
	chunkSize = 16 << 20
	// tinyBody is the size in bytes up to which a body is neither watched nor
	// paced: it fits into a socket's buffer, and into one of copyBuffers.
	tinyBody = 64 << 10
)

// The reasons for which a download is refused, in words for its user.
var (
	errBusy       = errors.New("every download slot is taken; try again later or use another server")
	errBusyClient = errors.New("too many downloads from your address; let one finish first")
)

// source is the file being sent: it may lose its bytes while it is read.
type source interface {
	// Lock keeps the bytes as they are until the file is closed, as far as it can.
	// fs.ErrNotExist: they are no longer those listed.
	Lock() error
	// Check returns snapshot.ErrChanged when the bytes are not those listed.
	Check() error
	// Done is closed when the bytes must not be sent any longer.
	Done() <-chan struct{}
}

// transfer is the ResponseWriter of one file. It learns from the response head
// whether the body is a download, asks for a slot before the head is sent, and
// hands the file on piece by piece, so that each piece is still one sendfile.
type transfer struct {
	http.ResponseWriter
	registry *Transfers
	request  *http.Request
	name     string // of the file
	kind     string // of the file: its label in metrics
	source   source
	conn     *connection
	client   netip.Addr

	// Owned by the handler's goroutine.
	slot    bool    // it has a download slot
	watched bool    // it is in the registry
	pieces  *pieces // that it is one of; nil for a download, and without a TotalRate
	refused bool    // there was no slot, and 503 was answered
	err     error   // the first error of a write or of the file

	size     int64 // of the body; fixed before the slot is taken
	started  time.Time
	ackedAt0 uint64       // what the connection had acknowledged before
	sent     atomic.Int64 // bytes that the kernel has taken

	ctx    context.Context // the request's, until it is cut
	cancel context.CancelFunc

	mu      sync.Mutex
	cause   error         // why it was cut; guarded by mu
	ended   bool          // the handler has returned; guarded by mu
	waiting time.Time     // for its turn, since then; zero when not; guarded by mu
	waited  time.Duration // for its turns before; guarded by mu

	// Guarded by registry.mu.
	window  []progress // by transfer.clock
	latest  progress
	rate    float64       // bytes per second between the last two looks
	limiter *rate.Limiter // in the place of pacing where the socket cannot, or is not ours alone
	kept    float64       // what the limiter is set to, if it is of this transfer alone; 0 is unpaced
}

func (t *Transfers) newTransfer(w http.ResponseWriter, r *http.Request, name, kind string, src source) *transfer {
	return &transfer{
		ResponseWriter: w,
		registry:       t,
		request:        r,
		name:           name,
		kind:           kind,
		source:         src,
		conn:           connectionOf(r),
		client:         ClientAddr(r.RemoteAddr),
		cancel:         func() {},
	}
}

// steady is the source of a file that is replaced whole, and never in place.
type steady struct{}

func (steady) Lock() error           { return nil }
func (steady) Check() error          { return nil }
func (steady) Done() <-chan struct{} { return nil }

// Unwrap lets http.ResponseController reach the connection.
func (t *transfer) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// WriteHeader takes a slot if the body is a download, or answers 503 instead.
func (t *transfer) WriteHeader(code int) {
	if code >= http.StatusBadRequest {
		dropFileFields(t.Header())
	}
	if t.hasBody(code) && t.size > tinyBody && !t.prepare() {
		t.refused = true
		return
	}
	t.ResponseWriter.WriteHeader(code)
	if t.slot || t.watched && t.registry.limiterOf(t) != nil {
		// The head goes out from here, where the stack is shallow: a download that
		// stalls keeps the stack that it has grown to. And a head need not wait for
		// the turn of the body.
		_ = http.NewResponseController(t.ResponseWriter).Flush()
	}
}

// prepare makes sure of the file and of a slot, or answers that there is none.
func (t *transfer) prepare() bool {
	if t.source.Lock() != nil {
		gone(t.ResponseWriter)
		return false
	}
	t.begin()
	if err := t.registry.admit(t, t.needsSlot()); err != nil {
		refuse(t.ResponseWriter, err)
		return false
	}
	return true
}

// hasBody reads the size of the body that the head promises.
func (t *transfer) hasBody(code int) bool {
	if t.request.Method == http.MethodHead || (code != http.StatusOK && code != http.StatusPartialContent) {
		return false
	}
	size, err := strconv.ParseInt(t.Header().Get("Content-Length"), 10, 64)
	t.size = size
	return err == nil
}

// needsSlot tells a download from a probe, a piece of a download in many pieces,
// and the genesis, without which nobody can begin.
func (t *transfer) needsSlot() bool { return t.size > SmallBody && t.kind != kindGenesis }

// kindGenesis is the kind of the genesis archive.
const kindGenesis = "genesis"

// begin makes progress the only rule: the server's deadline for writing, which
// covers a whole answer, is lifted.
func (t *transfer) begin() {
	_ = http.NewResponseController(t.ResponseWriter).SetWriteDeadline(time.Time{})
	t.ctx, t.cancel = context.WithCancel(t.request.Context())
	t.started = time.Now()
	t.ackedAt0, _ = ackedBytes(t.conn.raw)
	t.latest = progress{at: t.started}
	t.window = append(make([]progress, 0, windowParts+2), t.latest)
}

// Write sends bytes that do not come straight from the file: the parts of a
// multi-range response, and everything under HTTP/2.
func (t *transfer) Write(p []byte) (int, error) {
	if t.refused {
		return 0, errBusy
	}
	n, err := t.ResponseWriter.Write(p)
	t.count(int64(n), err)
	return n, err
}

// ReadFrom sends src: what is tiny in one write with the head, the rest in
// chunks straight from the file.
func (t *transfer) ReadFrom(src io.Reader) (int64, error) {
	if t.refused {
		return 0, errBusy
	}
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		return io.Copy(struct{ io.Writer }{t}, src)
	}
	if !t.watched && limited.N <= tinyBody {
		return t.sendTiny(limited)
	}
	if whole, ok := limited.R.(*content); ok {
		file, err := whole.descriptor()
		if err != nil {
			t.err = err
			return 0, err
		}
		// net recognizes an *os.File inside one LimitedReader and not inside two.
		limited = &io.LimitedReader{R: file, N: limited.N}
	}
	return t.sendPieces(limited)
}

// sendTiny reads first and looks then whether that was of the archive: it costs
// less than to lock the file, and less than a sendfile.
func (t *transfer) sendTiny(src *io.LimitedReader) (int64, error) {
	buffer := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buffer)
	body := (*buffer)[:src.N]
	_, err := io.ReadFull(src, body)
	if err == nil {
		err = t.source.Check()
	}
	if err != nil {
		t.err = fmt.Errorf("read for a small answer: %w", err)
		return 0, t.err
	}
	n, err := t.Write(body)
	return int64(n), err
}

func (t *transfer) sendPieces(src *io.LimitedReader) (total int64, err error) {
	for left := src.N; err == nil && left > 0; {
		var n int64
		limiter := t.registry.limiterOf(t)
		n, err = t.sendPiece(src, min(left, t.pieceSize(limiter)), limiter)
		total, left = total+n, left-n
	}
	return total, err
}

// sendPiece sends the next size bytes. The file is looked at before, so that
// bytes of another archive do not go out, and after, so that a download that
// was overtaken is not called complete.
func (t *transfer) sendPiece(src *io.LimitedReader, size int64, limiter *rate.Limiter) (int64, error) {
	if err := t.mayGoOn(size, limiter); err != nil {
		return 0, err
	}
	src.N = size
	n, err := io.Copy(t.ResponseWriter, src)
	if err == nil && n < size {
		err = fmt.Errorf("%w: it ended early", snapshot.ErrChanged)
	}
	if err == nil {
		err = t.source.Check()
	}
	t.count(n, err)
	// A peer as fast as we are never lets sendfile wait, and small requests
	// would queue for the processor behind every download.
	runtime.Gosched()
	return n, err
}

// pieceSize is smaller where the process and not the kernel keeps the rate, or
// knows the progress.
func (t *transfer) pieceSize(limiter *rate.Limiter) int64 {
	if limiter != nil || t.conn.raw == nil || !kernelKnowsProgress {
		return tinyBody
	}
	return chunkSize
}

// mayGoOn waits for the turn of size bytes, and looks whether the file still
// holds those that were promised.
func (t *transfer) mayGoOn(size int64, limiter *rate.Limiter) error {
	if err := t.awaitTurn(size, limiter); err != nil {
		t.err = err
		return err
	}
	select {
	case <-t.source.Done():
		t.cut(errRecycled)
		return errRecycled
	default:
	}
	err := t.source.Check()
	if err != nil {
		t.err = err
	}
	return err
}

func (t *transfer) count(n int64, err error) {
	t.sent.Add(n)
	if t.slot {
		t.registry.metrics.bytes.Add(float64(n))
	}
	if t.pieces != nil {
		t.pieces.sent.Add(n)
	}
	if err != nil && t.err == nil {
		t.err = err
	}
}

// cut ends the download: a write that waits for the peer, and a wait for the
// turn, return at once. It may be called from any goroutine.
func (t *transfer) cut(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || t.cause != nil {
		return
	}
	t.cause = cause
	t.cancel()
	// A time long past makes the blocked write fail with os.ErrDeadlineExceeded.
	_ = http.NewResponseController(t.ResponseWriter).SetWriteDeadline(time.Unix(1, 0))
}

// end gives the slot back and tells how the download ended. It panics with
// http.ErrAbortHandler when the body is short, so that the peer sees an aborted
// stream under every version of HTTP and never a complete, shorter file.
func (t *transfer) end() {
	t.mu.Lock()
	t.ended = true
	cause := t.cause
	t.mu.Unlock()
	t.cancel()
	if t.watched {
		t.registry.release(t)
	}
	if t.slot {
		outcome, why := t.outcome(cause)
		t.registry.metrics.ended(t.kind, outcome, time.Since(t.started))
		observed(t.ResponseWriter).endedBy(why)
	}
	if !t.refused && (cause != nil || t.err != nil) {
		panic(http.ErrAbortHandler)
	}
}
