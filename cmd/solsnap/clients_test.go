package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"solsnap/snapshot"
)

// A client is told apart by the bytes it sends: these are what each writes to
// the socket, with its address for %[1]s and the archive's path for %[2]s.
const (
	firedancerResolve = "HEAD /snapshot.tar.bz2 HTTP/1.1\r\nUser-Agent: Firedancer\r\nAccept: */*\r\nAccept-Encoding: identity\r\nHost: 127.0.0.1\r\n\r\n"
	firedancerIncr    = "HEAD /incremental-snapshot.tar.bz2 HTTP/1.1\r\nUser-Agent: Firedancer\r\nAccept: */*\r\nAccept-Encoding: identity\r\nHost: 127.0.0.1\r\n\r\n"
	firedancerGet     = "GET %s HTTP/1.1\r\nUser-Agent: Firedancer\r\nAccept: */*\r\nAccept-Encoding: identity\r\nHost: 127.0.0.1\r\n\r\n"
	firedancerGenesis = "GET /genesis.tar.bz2 HTTP/1.1\r\nCache-Control: no-cache\r\nConnection: keep-alive\r\nPragma: no-cache\r\nUser-Agent: Firedancer\r\nHost: %s\r\n\r\n"
	sigV2Probe        = "HEAD %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
	sigV2Get          = "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
	sigV1Get          = "GET %s HTTP/1.1\r\nhost: %s\r\nuser-agent: zig/0.15.2 (std.http)\r\nconnection: keep-alive\r\naccept-encoding: gzip, deflate\r\n\r\n"
	agaveGet          = "GET %s HTTP/1.1\r\naccept: */*\r\naccept-encoding: gzip, br, deflate\r\nhost: %s\r\n\r\n"
	agaveRPC          = "POST / HTTP/1.1\r\ncontent-type: application/json\r\nsolana-client: rust/4.1.0\r\naccept: */*\r\nhost: %s\r\ncontent-length: %d\r\n\r\n%s"
)

// headTime is the shortest time that a client waits for a response head
// (Firedancer).
const headTime = time.Second

// exchange sends request as it is and reads a response within headTime.
func (s *server) exchange(method, request string) (*http.Response, []byte) {
	s.t.Helper()
	conn := s.dial()
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * headTime)) // generous: slow machines run this too
	var head bytes.Buffer
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(io.LimitReader(r, 4096), &head)), &http.Request{Method: method})
	if err != nil {
		s.t.Fatalf("no response head within 4,096 bytes: %v\n%.300s", err, head.String())
	}
	_, rest, _ := bytes.Cut(head.Bytes(), []byte("\r\n\r\n"))
	want := resp.ContentLength - int64(len(rest))
	if method == http.MethodHead || want < 0 {
		return resp, nil
	}
	body := make([]byte, want)
	if _, err := io.ReadFull(r, body); err != nil {
		s.t.Fatalf("body: %v", err)
	}
	return resp, append(rest, body...)
}

// firedancerLocation is what Firedancer accepts of a redirect.
var firedancerLocation = regexp.MustCompile(`^/(snapshot-[0-9]+-[1-9A-HJ-NP-Za-km-z]{32,44}|incremental-snapshot-[0-9]+-[0-9]+-[1-9A-HJ-NP-Za-km-z]{32,44})\.tar\.zst$`)

func TestConformance28FiredancerBootstraps(t *testing.T) {
	s := startPair(t)
	for _, resolve := range []string{firedancerResolve, firedancerIncr} {
		resp, _ := s.exchange(http.MethodHead, resolve)
		location := resp.Header.Get("Location")
		if resp.StatusCode != http.StatusSeeOther || !firedancerLocation.MatchString(location) {
			t.Fatalf("resolve: %d %q", resp.StatusCode, location)
		}
		resp, body := s.exchange(http.MethodGet, fmt.Sprintf(firedancerGet, location))
		if resp.StatusCode != http.StatusOK || resp.ContentLength <= 0 || int64(len(body)) != resp.ContentLength {
			t.Errorf("%s: %d, %d of %d bytes", location, resp.StatusCode, len(body), resp.ContentLength)
		}
	}
	resp, genesis := s.exchange(http.MethodGet, fmt.Sprintf(firedancerGenesis, s.addr))
	if resp.StatusCode != http.StatusOK || !bytes.HasPrefix(genesis, []byte("BZh")) || len(resp.Header) > 32 {
		t.Errorf("genesis: %d, %d headers, %.10q", resp.StatusCode, len(resp.Header), genesis)
	}
}

func TestConformance28SigDownloads(t *testing.T) {
	s := startPair(t)
	path := "/" + fullAt100.String()
	probe, _ := s.exchange(http.MethodHead, fmt.Sprintf(sigV2Probe, path, s.addr))
	for name, request := range map[string]string{"v1": sigV1Get, "v2": sigV2Get} {
		resp, body := s.exchange(http.MethodGet, fmt.Sprintf(request, path, s.addr))
		if resp.StatusCode != http.StatusOK || resp.ContentLength != probe.ContentLength || !bytes.Equal(body, zstdBytes(3*oneMiB)) {
			t.Errorf("%s: %d, %d bytes, HEAD said %d", name, resp.StatusCode, len(body), probe.ContentLength)
		}
		if resp.Header.Get("Content-Encoding") != "" || len(resp.TransferEncoding) > 0 {
			t.Errorf("%s: encoded: %v", name, resp.Header)
		}
	}
}

func TestConformance28AgaveBootstraps(t *testing.T) {
	s := startPair(t)
	conn, err := net.Dial("tcp", s.addr) // it looks whether the port is open, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	for _, call := range []struct{ body, want string }{
		{`{"id":0,"jsonrpc":"2.0","method":"getVersion","params":null}`, `"solana-core":"`},
		{`{"id":1,"jsonrpc":"2.0","method":"getGenesisHash","params":null}`, `"result":"` + genesisHash.String() + `"`},
		{`{"id":2,"jsonrpc":"2.0","method":"getSlot","params":[{"commitment":"finalized"}]}`, `"result":150`},
	} {
		resp, body := s.exchange(http.MethodPost, fmt.Sprintf(agaveRPC, s.addr, len(call.body), call.body))
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), call.want) {
			t.Errorf("%s: %d %s", call.body, resp.StatusCode, body)
		}
	}
	for name, size := range map[snapshot.Name]int{fullAt100: 3 * oneMiB, incrAt150: 1000} {
		resp, body := s.exchange(http.MethodGet, fmt.Sprintf(agaveGet, "/"+name.String(), s.addr))
		if resp.StatusCode != http.StatusOK || !bytes.Equal(body, zstdBytes(size)) || resp.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d, %d bytes, %v", name, resp.StatusCode, len(body), resp.Header)
		}
	}
	if alarms := s.alarms(); len(alarms) > 0 {
		t.Errorf("a bootstrap alarms:\n%s", alarms)
	}
}

func TestConformance30RacersVanish(t *testing.T) {
	body := zstdBytes(24 * oneMiB)
	s := startServe(t, func(dir string) { putArchive(t, dir, fullAt100, body) })
	const racers = 16
	var wg sync.WaitGroup
	for racer := range racers {
		wg.Go(func() {
			conn := s.dial()
			defer conn.Close()
			fmt.Fprintf(conn, sigV2Get, "/"+fullAt100.String(), s.addr)
			r := bufio.NewReader(conn)
			if _, err := readRaw(r); err != nil {
				t.Error(err)
				return
			}
			want := int64(len(body))
			if racer > 0 {
				want /= 10
			}
			if _, err := io.CopyN(io.Discard, r, want); err != nil {
				t.Errorf("racer %d: %v", racer, err)
			}
		})
	}
	wg.Wait()
	s.log.awaitTimes(t, racers, "ended=", nil)
	if alarms := s.alarms(); len(alarms) > 0 {
		t.Errorf("racers alarm:\n%s", alarms)
	}
}

// tool runs a download tool in an empty directory and returns the directory.
func tool(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func (s *server) sameFile(path string, want []byte) {
	s.t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		s.t.Errorf("%s: %d bytes, want %d: %v", filepath.Base(path), len(got), len(want), err)
	}
}

func TestCurlResumes(t *testing.T) {
	s, dir := startPair(t), t.TempDir()
	want := zstdBytes(3 * oneMiB)
	path := filepath.Join(dir, fullAt100.String())
	writeFile(t, path, want[:oneMiB+3])
	tool(t, dir, "curl", "-fsS", "-C", "-", "-O", "http://"+s.addr+"/"+fullAt100.String())
	s.sameFile(path, want)
	s.log.await(t, "status=206", nil)
}

func TestCurlFollowsAndNames(t *testing.T) {
	s, dir := startPair(t), t.TempDir()
	tool(t, dir, "curl", "-fsSLOJ", "http://"+s.addr+"/incremental-snapshot.tar.bz2")
	s.sameFile(filepath.Join(dir, incrAt150.String()), zstdBytes(1000))
}

func TestWgetTrustsServerNames(t *testing.T) {
	s, dir := startPair(t), t.TempDir()
	tool(t, dir, "wget", "-q", "--trust-server-names", "http://"+s.addr+"/snapshot.tar.bz2")
	s.sameFile(filepath.Join(dir, fullAt100.String()), zstdBytes(3*oneMiB))
}

func TestAria2cDownloadsInParts(t *testing.T) {
	want := zstdBytes(128 * oneMiB) // not over before the other connections begin
	s, dir := startServe(t, func(dir string) { putArchive(t, dir, fullAt100, want) }), t.TempDir()
	tool(t, dir, "aria2c", "-q", "-x4", "-s4", "-k1M", "--max-download-limit=64M", "http://"+s.addr+"/snapshot.tar.bz2")
	s.sameFile(filepath.Join(dir, fullAt100.String()), want)
	s.log.await(t, "status=206", nil)
}

// TestRealAgavePair serves an archive pair that Agave wrote.
func TestRealAgavePair(t *testing.T) {
	fixtures := filepath.Join("..", "..", "..", "shared", "fixtures", "snapshots", "sig-v1")
	if _, err := os.Stat(fixtures); err != nil {
		t.Skipf("no fixtures beside the repository: %v", err)
	}
	s := startServe(t, nil, "--ledger", fixtures, "--snapshots", fixtures)
	// The files may have been copied a moment ago, and have to settle.
	s.log.await(t, "incremental=incremental-snapshot-1-4-", nil)
	if got := s.rpc(`{"jsonrpc":"2.0","id":1,"method":"getGenesisHash"}`); !strings.Contains(got, `"8e8HsAXGpV5fNBf1c3AancsRjt1F7GKFZGziNMhiQoBR"`) {
		t.Errorf("genesis hash: %s", got)
	}
	if got := s.rpc(`{"jsonrpc":"2.0","id":1,"method":"getHighestSnapshotSlot"}`); !strings.Contains(got, `{"full":1,"incremental":4}`) {
		t.Errorf("pair: %s", got)
	}
	for _, alias := range []string{"/snapshot.tar.bz2", "/incremental-snapshot.tar.bz2"} {
		resp, err := http.Get("http://" + s.addr + alias)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		want, readErr := os.ReadFile(filepath.Join(fixtures, filepath.Base(resp.Request.URL.Path)))
		if err != nil || readErr != nil || !bytes.Equal(got, want) {
			t.Errorf("%s leads to %s: %d bytes, want %d: %v %v", alias, resp.Request.URL.Path, len(got), len(want), err, readErr)
		}
	}
}
