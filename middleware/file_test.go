package middleware

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"solsnap/snapshot"
)

func TestArchiveHead(t *testing.T) {
	body := archiveBytes(5000)
	sum := sha256.Sum256(body)
	g := newRig(t, rigOptions{cfg: func(c *SnapshotsConfig) {
		c.Digest = func(snapshot.Archive) ([32]byte, bool) { return sum, true }
	}}, map[snapshot.Name][]byte{full: body})
	resp, got := g.get("/"+full.String(), "Accept-Encoding", "gzip, br, deflate")
	if resp.StatusCode != 200 || !bytes.Equal(got, body) {
		t.Fatalf("got %d and %d bytes", resp.StatusCode, len(got))
	}
	a, _ := g.store.Lookup(full)
	for header, want := range map[string]string{
		"Content-Length":      "5000",
		"Content-Type":        "application/zstd",
		"Accept-Ranges":       "bytes",
		"Etag":                ETag(5000, a.ModTime),
		"Last-Modified":       a.ModTime.UTC().Format(http.TimeFormat),
		"Content-Disposition": `attachment; filename="` + full.String() + `"`,
		"Cache-Control":       "public, max-age=3600, immutable, no-transform",
		"Repr-Digest":         "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":",
		"Content-Encoding":    "",
		"Transfer-Encoding":   "",
	} {
		if got := resp.Header.Get(header); got != want {
			t.Errorf("%s: got %q, want %q", header, got, want)
		}
	}
}

func TestHeadMatchesGetAndFitsSigV2(t *testing.T) {
	g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: archiveBytes(5000)})
	const sigHeadLimit = 4096
	path := "/" + full.String()
	headOfHead, _ := g.do("HEAD " + path + " HTTP/1.1\r\nHost: 127.0.0.1:8899\r\nConnection: close\r\n\r\n")
	headOfGet, _ := g.do("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:8899\r\nConnection: close\r\n\r\n")
	if len(headOfGet) > sigHeadLimit {
		t.Errorf("head has %d bytes, want at most %d", len(headOfGet), sigHeadLimit)
	}
	stable := func(head string) string {
		var kept []string
		for line := range strings.SplitSeq(head, "\r\n") {
			if !strings.HasPrefix(line, "Date:") && !strings.HasPrefix(line, requestIDHeader) {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "\n")
	}
	if stable(headOfHead) != stable(headOfGet) {
		t.Errorf("HEAD:\n%s\nGET:\n%s", headOfHead, headOfGet)
	}
}

func TestRanges(t *testing.T) {
	body := archiveBytes(1000)
	g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: body})
	for _, c := range []struct {
		ranges, contentRange string
		status               int
		want                 []byte
	}{
		{"bytes=0-0", "bytes 0-0/1000", 206, body[:1]},
		{"bytes=10-19", "bytes 10-19/1000", 206, body[10:20]},
		{"bytes=990-", "bytes 990-999/1000", 206, body[990:]},
		{"bytes=-7", "bytes 993-999/1000", 206, body[993:]},
		{"bytes=990-5000", "bytes 990-999/1000", 206, body[990:]},
		{"bytes=1000-", "bytes */1000", 416, nil},
		{"bytes=-0", "bytes */1000", 416, nil},
		{"bytes=99999999999999999999-", "bytes */1000", 416, nil},
		{"bytes=-99999999999999999999", "bytes 0-999/1000", 206, body},
		{"bytes=0-99999999999999999999", "bytes 0-999/1000", 206, body},
		{"bytes=0-9,", "bytes 0-9/1000", 206, body[:10]},
		{"Bytes=0-9", "bytes 0-9/1000", 206, body[:10]},
		{"bytes=,", "", 200, body},
		{"bytes=+1-2", "", 200, body},
		{"bytes=19-10", "", 200, body},
		{"bytes=1", "", 200, body},
		{"bytes=a-b", "", 200, body},
		{"lines=1-2", "", 200, body},
		{"bytes=" + strings.Repeat("1-1,", 16) + "1-1", "", 200, body},
	} {
		resp, got := g.get("/"+full.String(), "Range", c.ranges)
		if resp.StatusCode != c.status || resp.Header.Get("Content-Range") != c.contentRange {
			t.Errorf("%s: %d %q", c.ranges, resp.StatusCode, resp.Header.Get("Content-Range"))
		}
		if c.want != nil && !bytes.Equal(got, c.want) {
			t.Errorf("%s: got %d bytes", c.ranges, len(got))
		}
	}
}

func TestRangeIsIgnoredOnHead(t *testing.T) {
	g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: archiveBytes(1000)})
	head, _ := g.do("HEAD /" + full.String() + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nRange: bytes=0-0\r\n\r\n")
	if !strings.HasPrefix(head, "HTTP/1.1 200") || !strings.Contains(head, "Content-Length: 1000\r\n") {
		t.Errorf("got %q", head)
	}
}

func TestMultipleRanges(t *testing.T) {
	body := archiveBytes(1000)
	g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: body})
	resp, got := g.get("/"+full.String(), "Range", "bytes=0-9,500-509")
	_, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || resp.StatusCode != 206 {
		t.Fatalf("got %d, content type %q: %v", resp.StatusCode, resp.Header.Get("Content-Type"), err)
	}
	parts := multipart.NewReader(bytes.NewReader(got), params["boundary"])
	for _, want := range [][]byte{body[:10], body[500:510]} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(part); !bytes.Equal(got, want) {
			t.Errorf("part %v: got %x, want %x", part.Header, got, want)
		}
	}
}

func TestConditionals(t *testing.T) {
	body := archiveBytes(1000)
	g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: body})
	a, _ := g.store.Lookup(full)
	etag, modified := ETag(a.Size, a.ModTime), a.ModTime.UTC().Format(http.TimeFormat)
	later := a.ModTime.Add(time.Hour).UTC().Format(http.TimeFormat)
	earlier := a.ModTime.Add(-time.Hour).UTC().Format(http.TimeFormat)
	for name, c := range map[string]struct {
		header []string
		status int
	}{
		"same etag":            {[]string{"If-None-Match", etag}, 304},
		"any etag":             {[]string{"If-None-Match", "*"}, 304},
		"other etag":           {[]string{"If-None-Match", `"x"`}, 200},
		"not modified":         {[]string{"If-Modified-Since", later}, 304},
		"modified":             {[]string{"If-Modified-Since", earlier}, 200},
		"precondition holds":   {[]string{"If-Match", etag}, 200},
		"precondition fails":   {[]string{"If-Match", `"x"`}, 412},
		"unmodified fails":     {[]string{"If-Unmodified-Since", earlier}, 412},
		"resume, same bytes":   {[]string{"Range", "bytes=10-", "If-Range", etag}, 206},
		"resume, other bytes":  {[]string{"Range", "bytes=10-", "If-Range", `"x"`}, 200},
		"resume, same date":    {[]string{"Range", "bytes=10-", "If-Range", modified}, 206},
		"resume, other date":   {[]string{"Range", "bytes=10-", "If-Range", earlier}, 200},
		"resume, weak etag":    {[]string{"Range", "bytes=10-", "If-Range", "W/" + etag}, 200},
		"unsatisfiable resume": {[]string{"Range", "bytes=1000-", "If-Range", etag}, 416},
	} {
		t.Run(name, func(t *testing.T) {
			if resp, _ := g.get("/"+full.String(), c.header...); resp.StatusCode != c.status {
				t.Errorf("got %d, want %d", resp.StatusCode, c.status)
			} else if c.status >= 400 && resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("an error may be cached: %v", resp.Header)
			}
		})
	}
}

func TestETagNamesTheBytes(t *testing.T) {
	at := time.Unix(1700000000, 123)
	if ETag(10, at) != ETag(10, at.UTC()) {
		t.Error("the time zone matters")
	}
	for name, other := range map[string]string{
		"size": ETag(11, at), "nanosecond": ETag(10, at.Add(1)),
	} {
		if other == ETag(10, at) {
			t.Errorf("the %s does not matter", name)
		}
	}
}

func TestSymlinkIsNeverServed(t *testing.T) {
	g := newRig(t, rigOptions{}, map[snapshot.Name][]byte{full: archiveBytes(64)})
	target := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(target, archiveBytes(64), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(g.dir, full.String())
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	if resp, body := g.get("/" + full.String()); resp.StatusCode != 404 || len(body) != 0 {
		t.Errorf("got %d and %d bytes", resp.StatusCode, len(body))
	}
}

// readFromSpy is a connection that tells what net/http asks it to read from.
type readFromSpy struct {
	*net.TCPConn
	spied *spied
}

// spied is what came as *io.LimitedReader over *os.File.
type spied struct {
	bytes int64
	calls int
}

// ReadFrom lets net's own ReadFrom do it, which is sendfile(2) for exactly the
// shape that is counted here (net/sendfile.go).
func (c *readFromSpy) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if ok {
		_, ok = limited.R.(*os.File)
	}
	n, err := c.TCPConn.ReadFrom(r)
	if ok {
		c.spied.bytes += n
		c.spied.calls++
	}
	return n, err
}

func TestFilesReachSendfile(t *testing.T) {
	body := archiveBytes(3*chunkSize + 77)
	var spied spied
	g := newRig(t, rigOptions{wrapConn: func(c net.Conn) net.Conn {
		return &readFromSpy{c.(*net.TCPConn), &spied}
	}}, map[snapshot.Name][]byte{full: body})
	for ranges, want := range map[string][]byte{"": body, "bytes=100-": body[100:]} {
		sendfileServes(t, g, &spied, ranges, want)
	}
}

// TestPacedFilesReachSendfile: a rate that the socket keeps costs no copies.
func TestPacedFilesReachSendfile(t *testing.T) {
	if !kernelKnowsProgress {
		t.Skip("the kernel paces no sockets here")
	}
	body := archiveBytes(3*chunkSize + 77)
	for name, limits := range map[string]Limits{"each": {DownloadRate: 1 << 33}, "together": {TotalRate: 1 << 33}} {
		t.Run(name, func(t *testing.T) {
			var spied spied
			g := newRig(t, rigOptions{limits: limits, wrapConn: func(c net.Conn) net.Conn {
				return &readFromSpy{c.(*net.TCPConn), &spied}
			}}, map[snapshot.Name][]byte{full: body})
			sendfileServes(t, g, &spied, "", body)
		})
	}
}

func sendfileServes(t *testing.T, g *rig, spied *spied, ranges string, want []byte) {
	t.Helper()
	spied.bytes, spied.calls = 0, 0
	header := []string{}
	if ranges != "" {
		header = []string{"Range", ranges}
	}
	_, got := g.get("/"+full.String(), header...)
	if !bytes.Equal(got, want) {
		t.Fatalf("%q: got %d bytes, want %d", ranges, len(got), len(want))
	}
	g.log.await(t, "ended=complete")
	const sniffed = 512 // net/http sends these itself, with the head
	if spied.bytes < int64(len(want))-sniffed {
		t.Errorf("%q: %d of %d bytes came straight from the file", ranges, spied.bytes, len(want))
	}
	if most := len(want)/chunkSize + 1; kernelKnowsProgress && spied.calls > most {
		t.Errorf("%q: %d pieces of the file, want %d", ranges, spied.calls, most)
	}
}
