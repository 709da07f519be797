package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stall starts a download, reads a little of it, and leaves it.
func (s *server) stall(path string) net.Conn {
	s.t.Helper()
	conn := s.dial()
	s.t.Cleanup(func() { conn.Close() })
	_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: h\r\n\r\n")
	head, err := readRaw(bufio.NewReaderSize(conn, 1024))
	if err != nil || !strings.HasPrefix(head, "HTTP/1.1 200") {
		s.t.Fatalf("download refused: %q %v", head, err)
	}
	return conn
}

func TestSmallRequestsAreAnsweredBeside500StalledClients(t *testing.T) {
	s := startServe(t, func(dir string) {
		putArchive(t, dir, fullAt100, zstdBytes(64*oneMiB))
		putArchive(t, dir, incrAt150, zstdBytes(1000))
	}, "--max-downloads", "500", "--max-downloads-per-client", "500", "--log-level", "info")
	clients := make([]net.Conn, 500)
	for i := range clients {
		clients[i] = s.stall("/" + fullAt100.String())
	}
	head, body := s.send(request("GET", "/"+fullAt100.String()))
	if !strings.HasPrefix(head, "HTTP/1.1 503") || !strings.Contains(head, "Retry-After: ") {
		t.Errorf("one more: %s%s", head, body)
	}
	for target, want := range map[string]string{
		"/health": "200", "/snapshot.tar.bz2": "303", "/" + incrAt150.String(): "200", "/genesis.tar.bz2": "200", "/livez": "200", "/v1/snapshots": "200",
	} {
		if head, _ := s.send(request("GET", target)); !strings.HasPrefix(head, "HTTP/1.1 "+want) {
			t.Errorf("%s: %.60q, want %s", target, head, want)
		}
	}
	if got := s.rpc(`{"jsonrpc":"2.0","id":1,"method":"getSlot"}`); !strings.Contains(got, "150") {
		t.Errorf("getSlot: %s", got)
	}
	if head, _ := s.send(request("HEAD", "/"+fullAt100.String())); !strings.HasPrefix(head, "HTTP/1.1 200") {
		t.Errorf("HEAD: %q", head)
	}
	for _, c := range clients {
		c.Close()
	}
	s.log.awaitTimes(t, len(clients), "client closed the connection", nil)
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("stalled clients alarm:\n%s", s.log)
	}
}

// TestBodyThatNeverComes: who announces a body and does not send it is answered
// at once, and holds no slot.
func TestBodyThatNeverComes(t *testing.T) {
	s := startPair(t, "--max-downloads", "1")
	for round := range 3 {
		for path, status := range map[string]string{"/health": "200", "/snapshot.tar.bz2": "303", "/livez": "200", "/" + fullAt100.String(): "200"} {
			conn := s.dial()
			defer conn.Close()
			_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n")
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			if err != nil || !strings.HasPrefix(resp.Status, status) {
				t.Fatalf("%s: %v %v", path, resp, err)
			}
			if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != resp.ContentLength {
				t.Errorf("%s: %d of %d bytes: %v", path, n, resp.ContentLength, err)
			}
		}
		// The client may have it all a moment before the server gives the slot back.
		s.log.awaitTimes(t, round+1, "ended=complete", nil)
	}
}

func TestDirectoryThatAppearsLater(t *testing.T) {
	later := filepath.Join(t.TempDir(), "mnt", "snapshots")
	s := startServe(t, nil, "--snapshots", later, "--rescan-interval", "1s")
	if head, _ := s.send(request("GET", "/readyz")); !strings.HasPrefix(head, "HTTP/1.1 503") {
		t.Errorf("ready without a directory: %q", head)
	}
	putArchive(t, later, fullAt100, zstdBytes(100))
	s.awaitListed(fullAt100)
	if head, _ := s.send(request("GET", "/snapshot.tar.bz2")); !strings.Contains(head, fullAt100.String()) {
		t.Errorf("got %q", head)
	}
}

func TestHalfWrittenArchiveIsNotServed(t *testing.T) {
	s := startPair(t)
	path := filepath.Join(s.snapshots, "snapshot-300-"+fullAt100.Hash.String()+".tar.zst")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stop := time.After(3 * time.Second) // longer than an archive takes to settle
	for writing := true; writing; {
		if _, err := f.Write(zstdBytes(1000)); err != nil {
			t.Fatal(err)
		}
		if head, _ := s.send(request("HEAD", "/"+filepath.Base(path))); !strings.HasPrefix(head, "HTTP/1.1 404") {
			t.Fatalf("served while it grows: %q", head)
		}
		select {
		case <-stop:
			writing = false
		case <-time.After(50 * time.Millisecond):
		}
	}
	if head, _ := s.send(request("GET", "/snapshot.tar.bz2")); !strings.Contains(head, fullAt100.String()) {
		t.Errorf("the pair changed: %q", head)
	}
}

func TestBrokenConfigurationOnReloadChangesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "solsnap.yaml")
	writeFile(t, file, []byte("max-downloads: 7\n"))
	s, process := startProcess(t, func(dir string) { putArchive(t, dir, fullAt100, zstdBytes(100)) }, "--config", file)
	for _, step := range []struct{ text, log, limit string }{
		{"max-downloads: many\n", "configuration not reloaded", `"maxDownloads":7`},
		{"max-download: 9\n", "max-download", `"maxDownloads":7`},
		{"max-downloads: 9\nmax-connections: 77\n", "some changes need a restart", `"maxDownloads":9`},
	} {
		writeFile(t, file, []byte(step.text))
		if err := process.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		s.log.await(t, step.log, s.ended)
		if got := s.status(); !strings.Contains(got, step.limit) {
			t.Errorf("after %q: %s", step.text, got)
		}
	}
}

// status is what the admin listener tells.
func (s *server) status() string {
	s.t.Helper()
	resp, err := http.Get("http://" + s.admin + "/admin/v1/status")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

func TestTerminationLetsARunningDownloadFinish(t *testing.T) {
	body := zstdBytes(64 * oneMiB)
	s, process := startProcess(t, func(dir string) { putArchive(t, dir, fullAt100, body) }, "--drain-timeout", "30s")
	conn := s.dial()
	defer conn.Close()
	_, _ = io.WriteString(conn, request("GET", "/"+fullAt100.String()))
	r := bufio.NewReader(conn)
	if _, err := readRaw(r); err != nil {
		t.Fatal(err)
	}
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.log.await(t, "draining", s.ended)
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d of %d bytes: %v", len(got), len(body), err)
	}
	if err := <-s.ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	s.ended <- nil
}

func TestTerminationCutsAStalledDownload(t *testing.T) {
	s, process := startProcess(t, func(dir string) { putArchive(t, dir, fullAt100, zstdBytes(64*oneMiB)) }, "--drain-timeout", "1s")
	s.stall("/" + fullAt100.String())
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := <-s.ended
	s.ended <- err
	if err != nil || !strings.Contains(s.log.String(), `ended="server stopped"`) {
		t.Errorf("ended with %v:\n%s", err, s.log)
	}
}

// TestFullDiskOfTheStateDirectory runs on a tmpfs without room.
func TestFullDiskOfTheStateDirectory(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("mounting a small tmpfs needs root on Linux")
	}
	if err := exec.Command("unshare", "-m", "true").Run(); err != nil {
		t.Skipf("no mount namespace to be had: %v", err)
	}
	state := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	ledger, snapshots := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(ledger, "genesis.bin"), genesisBin)
	putArchive(t, snapshots, fullAt100, zstdBytes(100))
	// First without an identity, which must be made: it cannot be. Then with one.
	for _, identity := range []string{"", filepath.Join(t.TempDir(), "identity.json")} {
		flags := ""
		if identity != "" {
			writeFile(t, identity, formatKeypair(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))))
			flags = " --identity " + identity
		}
		log := &logBuffer{}
		cmd := exec.Command("unshare", "-m", "sh", "-c", fmt.Sprintf(
			"mount -t tmpfs -o size=4k none %[1]s && { head -c 8k /dev/zero >%[1]s/filler; exec solsnap serve --ledger %[2]s --snapshots %[3]s --state-dir %[1]s --bind-address 127.0.0.1 --rpc-port 0 --admin-address off%[4]s; }",
			state, ledger, snapshots, flags))
		cmd.Stderr = log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if identity == "" {
			err := <-ended
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || !strings.Contains(log.String(), "no space left on device") {
				t.Errorf("without room for an identity: %v\n%s", err, log)
			}
			continue
		}
		s := &server{t: t, log: log}
		s.awaitReady(ended)
		log.await(t, "no space left on device", ended)
		if head, body := s.send(request("GET", "/"+fullAt100.String())); !strings.HasPrefix(head, "HTTP/1.1 200") || len(body) != 100 {
			t.Errorf("an archive, with a full state directory: %q", head)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil {
			t.Errorf("ended with %v", err)
		}
	}
}

// TestDownloadsAreSendfile counts the system calls of a server process: reading
// and writing 256 MiB in 64 KiB pieces takes 4,096 reads, sendfile a fraction.
func TestDownloadsAreSendfile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc/PID/io is Linux's")
	}
	const size = 256 * oneMiB
	s, process := startProcess(t, func(dir string) { putArchive(t, dir, fullAt100, zstdBytes(size)) }, "--digest-rate", "0")
	before := readCalls(t, process.Process.Pid)
	resp, err := http.Get("http://" + s.addr + "/" + fullAt100.String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Fatalf("%d bytes: %v", n, err)
	}
	if calls := readCalls(t, process.Process.Pid) - before; calls > size/(256<<10) {
		t.Errorf("%d reading system calls for %d MiB: the bytes were copied", calls, size/oneMiB)
	}
}

// readCalls counts read(2) and its like, sendfile(2) among them.
func readCalls(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		t.Skip(err)
	}
	_, rest, _ := strings.Cut(string(text), "syscr: ")
	count, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(count)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestBrokenLogPipe: who reads our log may go away, and downloads go on.
func TestBrokenLogPipe(t *testing.T) {
	s, args := newServer(t, func(dir string) { putArchive(t, dir, fullAt100, zstdBytes(3*oneMiB)) }, nil)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("solsnap", args...)
	cmd.Stderr = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	lines := bufio.NewScanner(reader)
	for s.addr == "" && lines.Scan() {
		if bound := serving.FindStringSubmatch(lines.Text()); bound != nil {
			s.addr = bound[1]
		}
	}
	reader.Close()
	for range 3 { // each is logged
		resp, err := http.Get("http://" + s.addr + "/" + fullAt100.String())
		if err != nil {
			t.Fatalf("the server has gone with its log: %v", err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	select {
	case err := <-ended:
		ended <- err
		t.Errorf("the server has ended: %v", err)
	default:
	}
}
