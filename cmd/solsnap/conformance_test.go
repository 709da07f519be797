package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"solsnap/snapshot"
)

// The pair that the vectors assume.
var (
	fullAt100 = snapshot.Name{Kind: snapshot.Full, Slot: 100, Hash: snapshot.Hash{1}}
	incrAt150 = snapshot.Name{Kind: snapshot.Incremental, Base: 100, Slot: 150, Hash: snapshot.Hash{2}}
)

const oneMiB = 1 << 20

func startPair(t *testing.T, flags ...string) *server {
	return startServe(t, putPair(t), flags...)
}

// putPair prepares a server's directory.
func putPair(t *testing.T) func(dir string) {
	return func(dir string) {
		putArchive(t, dir, fullAt100, zstdBytes(3*oneMiB))
		putArchive(t, dir, incrAt150, zstdBytes(1000))
	}
}

// request is an HTTP/1.1 request whose connection ends after it.
func request(method, target string, lines ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" +
		strings.Join(append(lines, ""), "\r\n") + "\r\n"
}

func post(target, body string, lines ...string) string {
	return request(http.MethodPost, target, append(lines, fmt.Sprintf("Content-Length: %d", len(body)))...) + body
}

func postJSON(target, body string) string {
	return post(target, body, "Content-Type: application/json")
}

// TestConformance sends the vectors of Agave's behaviour as bytes.
func TestConformance(t *testing.T) {
	s := startPair(t)
	full, incr := "/"+fullAt100.String(), "/"+incrAt150.String()
	getHealthThenNumber := `[{"jsonrpc":"2.0","id":1,"method":"getHealth"},1]`
	only405 := "Used HTTP Method is not allowed. POST or OPTIONS is required\n"
	for _, v := range []struct {
		name, request string
		head          []string // each is part of the head
		not           []string // none is
		body          string
	}{
		{"01 full alias", request("GET", "/snapshot.tar.bz2"), []string{"HTTP/1.1 303", "\r\nlocation: " + full + "\r\n"}, []string{"Content-Type"}, full},
		{"02 full alias, HEAD", request("HEAD", "/snapshot.tar.bz2"), []string{"HTTP/1.1 303", "\r\nlocation: " + full + "\r\n", fmt.Sprintf("Content-Length: %d\r\n", len(full))}, nil, ""},
		{"03 incremental alias", request("GET", "/incremental-snapshot.tar.bz2"), []string{"HTTP/1.1 303", "\r\nlocation: " + incr + "\r\n"}, nil, incr},
		{"04 query", request("GET", "/snapshot.tar.bz2?x=1"), []string{"HTTP/1.1 303", "\r\nlocation: " + full + "\r\n"}, nil, full},
		{"05 two slashes", request("GET", "//snapshot.tar.bz2"), []string{"HTTP/1.1 405"}, nil, only405},
		{"05 slash behind", request("GET", "/snapshot.tar.bz2/"), []string{"HTTP/1.1 405"}, nil, only405},
		{"05 escaped", request("GET", "/snapshot%2Etar.bz2"), []string{"HTTP/1.1 405"}, nil, only405},
		{"08 full by name", request("GET", full), []string{"HTTP/1.1 200", "Content-Length: 3145728\r\n"}, []string{"Transfer-Encoding", "Content-Encoding"}, string(zstdBytes(3 * oneMiB))},
		{"09 bz2", request("GET", strings.Replace(full, "zst", "bz2", 1)), []string{"HTTP/1.1 405"}, nil, only405},
		{"09 tar", request("GET", strings.TrimSuffix(full, ".zst")), []string{"HTTP/1.1 405"}, nil, only405},
		{"09 gz", request("GET", strings.Replace(full, "zst", "gz", 1)), []string{"HTTP/1.1 405"}, nil, only405},
		{"10 other slot", request("GET", strings.Replace(full, "-100-", "-999-", 1)), []string{"HTTP/1.1 404", "Content-Length: 0\r\n"}, nil, ""},
		{"11 traversal", request("GET", "/snapshot-1-../../etc/passwd.tar.zst"), []string{"HTTP/1.1 405"}, nil, only405},
		{"11 temporary", request("GET", "/tmp-"+full[1:]), []string{"HTTP/1.1 405"}, nil, only405},
		{"11 remote", request("GET", "/remote"+full), []string{"HTTP/1.1 405"}, nil, only405},
		{"15 root", request("GET", "/"), []string{"HTTP/1.1 405", "Content-Type: text/plain; charset=utf-8\r\n"}, nil, only405},
		{"15 root, HEAD", request("HEAD", "/"), []string{"HTTP/1.1 405"}, nil, ""},
		{"16 OPTIONS", request("OPTIONS", "/"), []string{"HTTP/1.1 200", "OPTIONS, POST\r\n"}, nil, ""},
		{"17 no content type", post("/", "{}"), []string{"HTTP/1.1 415"}, nil, "Supplied content type is not allowed. Content-Type: application/json is required\n"},
		{"18 one byte too many", postJSON("/", strings.Repeat(" ", 51201)), []string{"HTTP/1.1 413"}, nil, "request body size exceeds allowed maximum"},
		{"18 as long as allowed", postJSON("/", `{"jsonrpc":"2.0","id":1,"method":"getHighestSnapshotSlot"}`+strings.Repeat(" ", 51200-58)), []string{"HTTP/1.1 200"}, nil, `{"jsonrpc":"2.0","result":{"full":100,"incremental":150},"id":1}` + "\n"},
		{"19 any path, params null", postJSON("/any/path", `{"id":1,"jsonrpc":"2.0","method":"getVersion","params":null}`), []string{"HTTP/1.1 200", "Content-Type: application/json; charset=utf-8\r\n"}, nil, `{"jsonrpc":"2.0","result":{"feature-set":3345198602,"solana-core":"4.1.0"},"id":1}` + "\n"},
		{"20 notification", postJSON("/", `{"jsonrpc":"2.0","method":"getSlot"}`), []string{"HTTP/1.1 200"}, nil, ""},
		{"21 unknown method", postJSON("/", `{"jsonrpc":"2.0","id":1,"method":"nope"}`), []string{"HTTP/1.1 200"}, nil, `{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}` + "\n"},
		{"22 no version", postJSON("/", `{"id":1,"method":"getSlot"}`), []string{"HTTP/1.1 200"}, nil, `{"error":{"code":-32600,"message":"Unsupported JSON-RPC protocol version"},"id":1}` + "\n"},
		{"23 empty batch", postJSON("/", `[]`), []string{"HTTP/1.1 200"}, nil, ""},
		{"24 batch with a number", postJSON("/", getHealthThenNumber), []string{"HTTP/1.1 200"}, nil, `{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}` + "\n"},
		{"25 minContextSlot", postJSON("/", `{"jsonrpc":"2.0","id":1,"method":"getSlot","params":[{"minContextSlot":18446744073709551615}]}`), []string{"HTTP/1.1 200"}, nil, `{"jsonrpc":"2.0","error":{"code":-32016,"message":"Minimum context slot has not been reached","data":{"contextSlot":150}},"id":1}` + "\n"},
		{"26 highest snapshot slot", postJSON("/", `{"jsonrpc":"2.0","id":"a","method":"getHighestSnapshotSlot"}`), []string{"HTTP/1.1 200"}, nil, `{"jsonrpc":"2.0","result":{"full":100,"incremental":150},"id":"a"}` + "\n"},
		{"29 compression refused", request("GET", incr, "Accept-Encoding: gzip, br, deflate"), []string{"HTTP/1.1 200"}, []string{"Content-Encoding"}, string(zstdBytes(1000))},
	} {
		t.Run(v.name, func(t *testing.T) {
			head, body := s.send(v.request)
			for _, want := range v.head {
				if !strings.Contains(head, want) {
					t.Errorf("head lacks %q:\n%s", want, head)
				}
			}
			for _, unwanted := range v.not {
				if strings.Contains(head, unwanted) {
					t.Errorf("head has %q:\n%s", unwanted, head)
				}
			}
			if body != v.body {
				t.Errorf("body of %d bytes %.200q, want %d bytes %.200q", len(body), body, len(v.body), v.body)
			}
		})
	}
}

func TestConformance06And26EmptyDirectory(t *testing.T) {
	s := startServe(t, nil)
	for _, path := range []string{"/snapshot.tar.bz2", "/incremental-snapshot.tar.bz2"} {
		head, body := s.send(request("GET", path))
		if !strings.HasPrefix(head, "HTTP/1.1 404") || !strings.Contains(head, "Content-Length: 0\r\n") || body != "" {
			t.Errorf("%s: %q %q", path, head, body)
		}
	}
	want := `{"jsonrpc":"2.0","error":{"code":-32008,"message":"No snapshot"},"id":1}` + "\n"
	if got := s.rpc(`{"jsonrpc":"2.0","id":1,"method":"getHighestSnapshotSlot"}`); got != want {
		t.Errorf("got %s", got)
	}
}

func TestConformance07NewFullWithoutIncremental(t *testing.T) {
	fullAt200 := snapshot.Name{Kind: snapshot.Full, Slot: 200, Hash: snapshot.Hash{3}}
	for grace, want := range map[string]struct{ full, incr, slots string }{
		"10m": {"location: /" + fullAt100.String(), "location: /" + incrAt150.String(), `{"full":100,"incremental":150}`},
		"0s":  {"location: /" + fullAt200.String(), "HTTP/1.1 404", `{"full":200,"incremental":null}`},
	} {
		s := startPair(t, "--pair-grace", grace)
		putArchive(t, s.snapshots, fullAt200, zstdBytes(10))
		s.awaitListed(fullAt200)
		full, _ := s.send(request("GET", "/snapshot.tar.bz2"))
		incr, _ := s.send(request("GET", "/incremental-snapshot.tar.bz2"))
		slots := s.rpc(`{"jsonrpc":"2.0","id":1,"method":"getHighestSnapshotSlot"}`)
		if !strings.Contains(full, want.full) || !strings.Contains(incr, want.incr) || !strings.Contains(slots, want.slots) {
			t.Errorf("grace %s:\n%s%s%s", grace, full, incr, slots)
		}
		if head, _ := s.send(request("HEAD", "/"+fullAt200.String())); !strings.HasPrefix(head, "HTTP/1.1 200") {
			t.Errorf("grace %s: the new full is not served by name: %s", grace, head)
		}
	}
}

// awaitListed returns once the log says that the archive is listed.
func (s *server) awaitListed(name snapshot.Name) {
	s.t.Helper()
	s.log.await(s.t, fmt.Sprintf("archive listed\" slot=%d hash=%s", name.Slot, name.Hash), s.ended)
	s.log.await(s.t, "served pair changed", s.ended)
}

func TestConformance12RemoteDirectory(t *testing.T) {
	s := startServe(t, func(dir string) {
		putArchive(t, filepath.Join(dir, "remote"), fullAt100, zstdBytes(50))
	})
	if _, body := s.send(request("GET", "/"+fullAt100.String())); body != string(zstdBytes(50)) {
		t.Errorf("got %q", body)
	}
	if head, _ := s.send(request("GET", "/snapshot.tar.bz2")); !strings.Contains(head, "location: /"+fullAt100.String()+"\r\n") {
		t.Errorf("got %s", head)
	}
}

func TestConformance13Symlink(t *testing.T) {
	s := startServe(t, func(dir string) {
		secret := filepath.Join(t.TempDir(), "secret")
		writeFile(t, secret, zstdBytes(50))
		if err := os.Symlink(secret, filepath.Join(dir, fullAt100.String())); err != nil {
			t.Fatal(err)
		}
	})
	if head, body := s.send(request("GET", "/"+fullAt100.String())); !strings.HasPrefix(head, "HTTP/1.1 404") || body != "" {
		t.Errorf("got %q %q", head, body)
	}
	if head, _ := s.send(request("GET", "/snapshot.tar.bz2")); !strings.HasPrefix(head, "HTTP/1.1 404") {
		t.Errorf("got %q", head)
	}
}

func TestConformance14UnlinkDuringTransfer(t *testing.T) {
	body := zstdBytes(32 * oneMiB)
	s := startServe(t, func(dir string) { putArchive(t, dir, fullAt100, body) })
	conn := s.dial()
	defer conn.Close()
	io.WriteString(conn, request("GET", "/"+fullAt100.String()))
	r := bufio.NewReader(conn)
	if _, err := readRaw(r); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.snapshots, fullAt100.String())); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != string(body) {
		t.Errorf("%d of %d bytes: %v", len(got), len(body), err)
	}
	if head, _ := s.send(request("GET", "/"+fullAt100.String())); !strings.HasPrefix(head, "HTTP/1.1 404") {
		t.Errorf("next: %q", head)
	}
}

func TestConformance27OneConnection(t *testing.T) {
	s := startPair(t)
	conn := s.dial()
	defer conn.Close()
	r := bufio.NewReader(conn)
	full := "/" + fullAt100.String()
	// The first two are pipelined, the others follow one by one.
	steps := []struct{ method, target string }{
		{"GET", "/snapshot.tar.bz2"}, {"GET", full}, {"HEAD", full}, {"GET", full}, {"POST", "/"}, {"GET", "/health"}, {"GET", full},
	}
	fmt.Fprintf(conn, "GET /snapshot.tar.bz2 HTTP/1.1\r\nHost: h\r\n\r\nGET %s HTTP/1.1\r\nHost: h\r\n\r\n", full)
	for i, step := range steps {
		if i > 1 {
			fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", step.method, step.target)
		}
		resp, err := http.ReadResponse(r, &http.Request{Method: step.method})
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if err != nil || step.method == "GET" && n != resp.ContentLength || step.target == full && resp.ContentLength != 3*oneMiB {
			t.Errorf("step %d: %d of %d bytes, %v", i, n, resp.ContentLength, err)
		}
	}
}
