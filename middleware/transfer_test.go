package middleware

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"solsnap/snapshot"
)

// big is a body that no socket buffer swallows whole.
var big = archiveBytes(48 << 20)

// start begins a download, reads the head and the first bytes, and stalls.
func (g *rig) start(path string) (net.Conn, *bufio.Reader) {
	g.t.Helper()
	conn := g.dial()
	g.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path)
	r := bufio.NewReaderSize(conn, 64<<10)
	if head := readHead(g.t, r); !strings.HasPrefix(head, "HTTP/1.1 200") {
		g.t.Fatalf("download refused: %q", head)
	}
	if _, err := io.CopyN(io.Discard, r, 1000); err != nil {
		g.t.Fatal(err)
	}
	return conn, r
}

func TestStalledClientIsCutOff(t *testing.T) {
	for name, protocol := range map[string]int{"plaintext": 0, "TLS, HTTP/1.1": 1, "TLS, HTTP/2": 2} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, rigOptions{tls: protocol > 0, noHTTP2: protocol == 1, limits: Limits{MinimumRate: 1 << 20, MinimumWindow: 600 * time.Millisecond}},
				map[snapshot.Name][]byte{full: big})
			if protocol > 0 {
				resp, err := g.Client().Get(g.URL + "/" + full.String())
				if err != nil || resp.ProtoMajor != protocol {
					t.Fatalf("%v %v", resp, err)
				}
				defer resp.Body.Close()
			} else {
				g.start("/" + full.String())
			}
			g.log.await(t, `ended="below the minimum progress rate"`, "level=INFO")
			if strings.Contains(g.log.String(), "level=ERROR") {
				t.Errorf("a stalled client is an error:\n%s", g.log)
			}
		})
	}
}

func TestSlowHealthyClientFinishes(t *testing.T) {
	body := big[:8<<20]
	g := newRig(t, rigOptions{
		limits:       Limits{MinimumRate: 256 << 10, MinimumWindow: 500 * time.Millisecond},
		writeTimeout: 200 * time.Millisecond, // which covers everything but downloads
	},
		map[snapshot.Name][]byte{full: body})
	_, r := g.start("/" + full.String())
	left := int64(len(body) - 1000)
	tick := time.NewTicker(50 * time.Millisecond) // 256 KiB a tick is 5 MiB/s, over several windows
	defer tick.Stop()
	for left > 0 {
		<-tick.C
		n, err := io.CopyN(io.Discard, r, min(left, 256<<10))
		if left -= n; err != nil {
			t.Fatalf("cut off with %d bytes left: %v", left, err)
		}
	}
	g.log.await(t, "ended=complete")
}

func TestAbortedDownloadIsNormal(t *testing.T) {
	g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: big})
	const racers = 16
	for range racers - 1 {
		conn, _ := g.start("/" + full.String())
		conn.Close()
	}
	if _, body := g.get("/" + full.String()); !bytes.Equal(body, big) {
		t.Error("the sixteenth download differs")
	}
	g.log.await(t, "ended=complete", `ended="client closed the connection"`)
	for testutil.ToFloat64(g.transfers.metrics.active) > 0 {
		g.log.await(t, "ended") // the next line
	}
	if log := g.log.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "level=WARN") {
		t.Errorf("aborted downloads alarm:\n%s", log)
	}
}

func TestDownloadSlots(t *testing.T) {
	g := newRig(t, rigOptions{limits: Limits{MaxDownloads: 2}}, map[snapshot.Name][]byte{full: big, incremental: archiveBytes(SmallBody)})
	first, _ := g.start("/" + full.String())
	g.start("/" + full.String())
	if n := len(g.transfers.List()); n != 2 {
		t.Errorf("%d transfers listed", n)
	}

	resp, body := g.get("/" + full.String())
	if resp.StatusCode != 503 || resp.Header.Get("Etag") != "" || !strings.Contains(string(body), "slot") {
		t.Errorf("third download: %d %v %q", resp.StatusCode, resp.Header, body)
	}
	var seconds int
	if _, err := fmt.Sscan(resp.Header.Get("Retry-After"), &seconds); err != nil || seconds < 5 || seconds > 20 {
		t.Errorf("Retry-After: %q", resp.Header.Get("Retry-After"))
	}
	// What is small is answered all the same.
	for target, status := range map[string]int{
		"/health": 200, "/snapshot.tar.bz2": 303, "/" + incremental.String(): 200, "/anything": 418,
	} {
		if resp, _ := g.get(target); resp.StatusCode != status {
			t.Errorf("%s with every slot taken: %d, want %d", target, resp.StatusCode, status)
		}
	}
	if resp, _ := g.get("/"+full.String(), "Range", "bytes=0-0"); resp.StatusCode != 206 {
		t.Errorf("probe with every slot taken: %d", resp.StatusCode)
	}

	first.Close()
	g.log.await(t, "client closed the connection")
	if resp, body := g.get("/" + full.String()); resp.StatusCode != 200 || len(body) != len(big) {
		t.Errorf("after a slot is free: %d, %d bytes", resp.StatusCode, len(body))
	}
}

func TestDownloadSlotsPerClient(t *testing.T) {
	g := newRig(t, rigOptions{limits: Limits{MaxDownloadsPerClient: 1}}, map[snapshot.Name][]byte{full: big})
	g.start("/" + full.String())
	resp, body := g.get("/" + full.String())
	if resp.StatusCode != 503 || !strings.Contains(string(body), "your address") {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
	g.transfers.SetLimits(Limits{})
	if resp, _ := g.get("/" + full.String()); resp.StatusCode != 200 {
		t.Errorf("after the limit is lifted: %d", resp.StatusCode)
	}
}

func TestUnlinkAndRenameDuringTransfer(t *testing.T) {
	for name, disturb := range map[string]func(string) error{
		"unlink": os.Remove,
		"rename": func(p string) error { return os.Rename(p, p+".old") },
		"replace": func(p string) error {
			if err := os.WriteFile(p+".new", []byte("other"), 0o644); err != nil {
				return err
			}
			return os.Rename(p+".new", p)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: big})
			_, r := g.start("/" + full.String())
			if err := disturb(filepath.Join(g.dir, full.String())); err != nil {
				t.Fatal(err)
			}
			rest := make([]byte, len(big)-1000)
			if _, err := io.ReadFull(r, rest); err != nil || !bytes.Equal(rest, big[1000:]) {
				t.Errorf("the transfer did not survive: %v", err)
			}
			g.log.await(t, "ended=complete")
			if resp, _ := g.get("/" + full.String()); resp.StatusCode != 404 {
				t.Errorf("next request: %d, want 404", resp.StatusCode)
			}
		})
	}
}

func TestBytesThatChangeDuringTransferAreNotServedOn(t *testing.T) {
	for name, disturb := range map[string]func(*os.File) error{
		"truncated": func(f *os.File) error { return f.Truncate(20 << 20) },
		"overwritten in place": func(f *os.File) error {
			_, err := f.WriteAt(make([]byte, 1<<20), 40<<20)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: big})
			_, r := g.start("/" + full.String())
			f, err := os.OpenFile(filepath.Join(g.dir, full.String()), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := disturb(f); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if len(got) >= len(big)-1000 {
				t.Fatalf("the body is complete with other bytes (%v)", err)
			}
			if !bytes.Equal(got, big[1000:1000+len(got)]) {
				t.Error("bytes differ from the archive's")
			}
			g.log.await(t, "archive has changed")
		})
	}
}

// TestPiecesThatWaitForTheirTurn have their heads, are not slow by our doing, and
// end when they are cut.
func TestPiecesThatWaitForTheirTurn(t *testing.T) {
	g := newRig(t, rigOptions{limits: Limits{TotalRate: 1, MinimumRate: 1000, MinimumWindow: time.Minute}}, map[snapshot.Name][]byte{full: big})
	for i, burst := range []int64{tinyBody, 0} { // the first takes all there is
		conn := g.dial()
		defer conn.Close()
		fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: h\r\nRange: bytes=0-499999\r\n\r\n", full)
		if err := conn.SetReadDeadline(time.Now().Add(15 * time.Second)); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		if head := readHead(t, r); !strings.HasPrefix(head, "HTTP/1.1 206") {
			t.Fatalf("piece %d: %q", i, head)
		}
		if _, err := io.CopyN(io.Discard, r, burst); err != nil {
			t.Fatalf("piece %d, before its turn: %v", i, err)
		}
		defer func() {
			if n, err := io.Copy(io.Discard, r); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("piece %d, after it is cut: %d bytes, %v", i, n, err)
			}
		}()
	}
	running := g.waiting(2)
	for i := range 20 {
		g.transfers.check(time.Now().Add(time.Duration(i) * 10 * time.Second))
	}
	for _, tr := range running {
		tr.mu.Lock()
		if tr.cause != nil {
			t.Errorf("cut while it waits: %v", tr.cause)
		}
		tr.mu.Unlock()
	}
	g.transfers.Cut()
}

// waiting returns the running transfers once all n of them wait for their turn.
func (g *rig) waiting(n int) (waiting []*transfer) {
	g.t.Helper()
	for end := time.Now().Add(15 * time.Second); len(waiting) != n; {
		if time.Now().After(end) {
			g.t.Fatalf("%d wait for their turn, want %d", len(waiting), n)
		}
		waiting = waiting[:0]
		g.transfers.mu.Lock()
		for tr := range g.transfers.active {
			tr.mu.Lock()
			if !tr.waiting.IsZero() {
				waiting = append(waiting, tr)
			}
			tr.mu.Unlock()
		}
		g.transfers.mu.Unlock()
		runtime.Gosched()
	}
	return waiting
}

func TestDrainCutsWhatIsLeft(t *testing.T) {
	g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: big})
	g.start("/" + full.String())
	g.transfers.Cut()
	g.log.await(t, `ended="server stopped"`)
}

func TestRedirectThenFileThenHeadOnOneConnection(t *testing.T) {
	body := archiveBytes(3 << 20)
	g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: body})
	conn := g.dial()
	defer conn.Close()
	r := bufio.NewReader(conn)
	path := "/" + full.String()
	// Two requests at once, then one by one.
	fmt.Fprintf(conn, "GET /snapshot.tar.bz2 HTTP/1.1\r\nHost: h\r\n\r\nGET %s HTTP/1.1\r\nHost: h\r\n\r\n", path)
	for i, method := range []string{"GET", "GET", "HEAD", "GET", "GET"} {
		if i >= 2 {
			fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: h\r\n\r\n", method, path)
		}
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("response %d: %v", i, err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("response %d: %v", i, err)
		}
		switch {
		case i == 0 && string(got) != path, i > 0 && method == "GET" && !bytes.Equal(got, body):
			t.Errorf("response %d: %d bytes", i, len(got))
		}
	}
}

// TestPartsDoNotMoveTheOffset: the parts of a multi-range response are read by a
// goroutine that outlives its handler when the client is gone, and by then the
// descriptor may be another request's.
func TestPartsDoNotMoveTheOffset(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(path, archiveBytes(200_000), 0o644); err != nil {
		t.Fatal(err)
	}
	for ranges, offset := range map[string]int64{
		"bytes=10-19,5000-5999":     0,
		"bytes=0-79999,90000-99999": 0,
		"bytes=10-19":               0, // read in place
		"bytes=10-79999":            80_000,
	} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/x", nil)
		r.Header.Set("Range", ranges)
		(&snapshots{}).send(NewTransfers(Limits{}, nil).newTransfer(w, r, "x", "full", steady{}), f, 200_000, time.Now())
		if at, err := f.Seek(0, io.SeekCurrent); w.Code != http.StatusPartialContent || at != offset || err != nil {
			t.Errorf("%s: %d, offset %d, want %d: %v", ranges, w.Code, at, offset, err)
		}
	}
}

// TestLostArchiveIsNotFound: what has gone by the time that the head is to be
// sent is a 404, and not a broken download.
func TestLostArchiveIsNotFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(path, archiveBytes(200_000), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, ranges := range []string{"", "bytes=0-99999"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/x", nil)
		r.Header.Set("Range", ranges)
		(&snapshots{}).send(NewTransfers(Limits{}, nil).newTransfer(w, r, "x", "full", lost{}), f, 200_000, time.Now())
		h := w.Result().Header
		if w.Code != http.StatusNotFound || w.Body.Len() != 0 || h.Get("Content-Length") != "0" || h.Get("Etag")+h.Get("Content-Range")+h.Get("Accept-Ranges") != "" {
			t.Errorf("range %q: %d with %d bytes, %v", ranges, w.Code, w.Body.Len(), h)
		}
	}
}

// lost is a source that a writer has taken back.
type lost struct{ steady }

func (lost) Lock() error { return fs.ErrNotExist }

// TestEachLookAtTheBytesMatters: they are looked at after a small body is read,
// before a piece is sent, and after the last one.
func TestEachLookAtTheBytesMatters(t *testing.T) {
	const size = 2 << 20
	path := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(path, archiveBytes(size), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ranges string
		sent   int // when the bytes change
	}{
		"small body":  {"bytes=0-9", 0},
		"first piece": {"", 0},
		"later piece": {"", tinyBody},
		"last piece":  {"", size},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/x", nil)
			r.Header.Set("Range", c.ranges)
			tr := NewTransfers(Limits{}, nil).newTransfer(w, r, "x", "full", spoiled{body: w.Body, sent: c.sent})
			defer func() {
				if cause, _ := recover().(error); !errors.Is(cause, http.ErrAbortHandler) {
					t.Errorf("the connection is not aborted: %v", cause)
				}
				if label, _ := tr.outcome(nil); label != outcomeArchive || w.Body.Len() != c.sent {
					t.Errorf("%s after %d bytes, want %s after %d", label, w.Body.Len(), outcomeArchive, c.sent)
				}
			}()
			(&snapshots{}).send(tr, f, size, time.Now())
		})
	}
}

// spoiled is a source that is overwritten once so many bytes of its body are out.
type spoiled struct {
	steady
	body *bytes.Buffer
	sent int
}

func (s spoiled) Check() error {
	if s.body.Len() >= s.sent {
		return snapshot.ErrChanged
	}
	return nil
}

func TestRecycledArchiveIsLetGo(t *testing.T) {
	g := newRig(t, rigOptions{limits: Limits{MinimumWindow: 60 * time.Millisecond}}, map[snapshot.Name][]byte{full: big})
	done := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(filepath.Join(g.dir, full.String()))
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		tr := g.transfers.newTransfer(w, r, full.String(), "full", recycled{done})
		defer tr.end()
		http.ServeContent(tr, r, "", time.Time{}, f)
	})
	g.Config.Handler = NewObserver(ObserveConfig{Logger: g.logger}).Middleware(handler)
	g.start("/x") // and stalls
	close(done)
	g.log.await(t, `ended="archive is being recycled"`)
}

// recycled is a source whose writer wants it back once done is closed.
type recycled struct{ done chan struct{} }

func (recycled) Lock() error             { return nil }
func (recycled) Check() error            { return nil }
func (r recycled) Done() <-chan struct{} { return r.done }

func TestHTTP2Download(t *testing.T) {
	g := newRig(t, rigOptions{tls: true}, map[snapshot.Name][]byte{full: big})
	resp, body := g.get("/" + full.String())
	if resp.ProtoMajor != 2 || !bytes.Equal(body, big) {
		t.Errorf("%s, %d bytes", resp.Proto, len(body))
	}
}
