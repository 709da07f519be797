package fetch

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-0/1", "bytes 5-9/100", "bytes */5", "bytes 5-1/9", "bytes 0-9/9", "bytes +0-1/2", "bytes 0-9223372036854775807/9223372036854775807"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseContentRange(s)
		if err == nil && (r.lo < 0 || r.lo >= r.hi || r.hi > r.size) {
			t.Errorf("%q is read as %+v", s, r)
		}
	})
}

func TestContentRange(t *testing.T) {
	if r, err := parseContentRange("bytes 5-9/100"); err != nil || r != (contentRange{5, 10, 100}) {
		t.Errorf("got %+v, %v", r, err)
	}
	for _, s := range []string{"", "bytes */100", "bytes 5-9/*", "bytes 9-5/100", "bytes 5-100/100", "bits 5-9/100", "bytes 5-9", "bytes -9/100", "bytes 0x5-9/100", "bytes 5-9/99999999999999999999"} {
		if r, err := parseContentRange(s); err == nil {
			t.Errorf("%q is read as %+v", s, r)
		}
	}
}

func FuzzManifest(f *testing.F) {
	f.Add(describe(random(pieceSize+1, 1)))
	f.Add([]byte(`{"name":"x","chunks":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text, testName)
		if err == nil && (m.size <= 0 || len(m.pieces) != pieceCount(m.size) || !m.equal(m)) {
			t.Errorf("%q is read as %d bytes in %d chunks", text, m.size, len(m.pieces))
		}
	})
}

func TestManifest(t *testing.T) {
	good := string(describe(random(pieceSize+1, 1)))
	if m, err := parseManifest([]byte(good), testName); err != nil || m.size != pieceSize+1 || len(m.pieces) != 2 {
		t.Fatalf("got %+v, %v", m, err)
	}
	for name, text := range map[string]string{
		"other name":    strings.Replace(good, "snapshot-100", "snapshot-101", 1),
		"not computed":  `{"name":"` + testName.String() + `","size":5,"chunkSize":16777216,"chunks":null}`,
		"other chunks":  strings.Replace(good, "16777216", "16777217", 1),
		"chunk missing": strings.Replace(good, fmt.Sprint(pieceSize+1), fmt.Sprint(3*pieceSize), 1),
		"huge size":     strings.Replace(good, fmt.Sprint(pieceSize+1), "9223372036854775807", 1),
		"negative":      strings.Replace(good, fmt.Sprint(pieceSize+1), "-1", 1),
		"not hex":       strings.Replace(good, `"chunks":["`, `"chunks":["zz`, 1),
		"no JSON":       "<html>",
	} {
		if _, err := parseManifest([]byte(text), testName); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzJournal(f *testing.F) {
	b := basis{size: 3*pieceSize + 1, url: "http://192.0.2.1/x", tag: `"tag"`}
	f.Add(encodeJournal(b, map[int]record{0: {sum: sum{1}}, 3: {sum: sum{2}}}))
	f.Add(append(encodeBasis(b), encodePiece(1, sum{9})...))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, pieces, err := decodeJournal(text)
		if err != nil {
			return
		}
		if again := encodeBasis(b); !bytes.HasPrefix(text, again) {
			t.Errorf("%q is read as %q", text, again)
		}
		for i := range pieces {
			if i < 0 || i >= pieceCount(b.size) {
				t.Errorf("piece %d of %d", i, pieceCount(b.size))
			}
		}
	})
}

// TestJournal: what is torn off, at any byte, or damaged, is not believed.
func TestJournal(t *testing.T) {
	b := basis{size: 5 * pieceSize, url: `http://192.0.2.1/a "b"`, tag: `"t"`}
	text := encodeBasis(b)
	first := len(text)
	for i := range 3 {
		text = append(text, encodePiece(i, sum{byte(i)})...)
	}
	text = append(text, encodeSynced(2)...)
	for cut := range len(text) + 1 {
		got, pieces, err := decodeJournal(text[:cut])
		if (err == nil) != (cut >= first) || err == nil && got != b {
			t.Fatalf("cut at %d: %+v, %v", cut, got, err)
		}
		for i, r := range pieces {
			if r.sum != (sum{byte(i)}) || r.synced != (cut == len(text) && i < 2) {
				t.Errorf("cut at %d: piece %d is %+v", cut, i, r)
			}
		}
	}
	for at := range text {
		damaged := bytes.Clone(text)
		damaged[at] ^= 0x10
		if got, pieces, err := decodeJournal(damaged); err == nil && (got != b || len(pieces) > 3) {
			t.Errorf("damage at %d: %+v, %d pieces", at, got, len(pieces))
		}
	}
}

func FuzzFollow(f *testing.F) {
	for _, s := range []string{"/" + testName.String(), "//evil/" + testName.String(), "file:///etc/passwd", "../..", "snapshot.tar.bz2", "/..%2f" + testName.String()} {
		f.Add(s)
	}
	from := &url.URL{Scheme: "https", Host: "192.0.2.1", Path: "/snapshot.tar.bz2"}
	f.Fuzz(func(t *testing.T, location string) {
		to, err := follow(from, location)
		if err != nil {
			return
		}
		if _, err := nameAt(to); to.Scheme != "https" || to.Host == "" || err != nil && !isAlias(to) {
			t.Errorf("%q leads to %s", location, to)
		}
	})
}
