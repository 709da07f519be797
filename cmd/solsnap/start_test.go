package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
)

// server is `solsnap serve`, running in this process as main would run it.
type server struct {
	t         *testing.T
	addr      string // HOST:PORT of the first plaintext listener
	admin     string // HOST:PORT of the admin listener
	ledger    string
	snapshots string
	state     string
	log       *logBuffer
	ended     chan error // of a process: how it ended
}

// startServe runs serve over a new ledger with a genesis, in this process.
// Further flags may override the ones given here.
func startServe(t *testing.T, prepare func(snapshots string), flags ...string) *server {
	t.Helper()
	s, args := newServer(t, prepare, flags)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, strings.NewReader(""), io.Discard, s.log) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v\n%s", err, s.log)
		}
	})
	s.awaitReady(ended)
	return s
}

// startProcess is startServe in a process of its own, which the test may
// signal and must not wait for.
func startProcess(t *testing.T, prepare func(snapshots string), flags ...string) (*server, *exec.Cmd) {
	t.Helper()
	s, args := newServer(t, prepare, flags)
	return s, s.spawn(args)
}

// spawn runs the command line in a process of its own, with more environment.
func (s *server) spawn(args []string, environ ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command("solsnap", args...)
	cmd.Stderr = s.log
	cmd.Env = append(os.Environ(), environ...)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s.ended = ended
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	s.awaitReady(ended)
	return cmd
}

// newServer makes the directories and the command line.
func newServer(t *testing.T, prepare func(snapshots string), flags []string) (*server, []string) {
	t.Helper()
	dir := t.TempDir()
	s := &server{t: t, ledger: filepath.Join(dir, "ledger"), snapshots: filepath.Join(dir, "snapshots"), state: filepath.Join(dir, "state"), log: &logBuffer{}}
	for _, d := range []string{s.ledger, s.snapshots} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(s.ledger, "genesis.bin"), genesisBin)
	if prepare != nil {
		prepare(s.snapshots)
	}
	return s, append([]string{
		"serve", "--ledger", s.ledger, "--snapshots", s.snapshots, "--state-dir", s.state, "--bind-address", "127.0.0.1",
		"--rpc-port", "0", "--admin-address", "127.0.0.1:0", "--gossip-port", "0", "--log-level", "debug", "--drain-timeout", "5s",
	}, flags...)
}

// genesisBin is small and arbitrary: the server only hashes and packs it.
var genesisBin = []byte(strings.Repeat("genesis of a cluster in a test. ", 9))

var serving = regexp.MustCompile(`msg=serving public="?\[([0-9.:]+).* admin=\[([0-9.:]*)\]`)

// awaitReady waits until the sockets are bound and the directory was scanned.
func (s *server) awaitReady(ended chan error) {
	s.t.Helper()
	s.log.await(s.t, "msg=serving", ended)
	bound := serving.FindStringSubmatch(s.log.String())
	s.addr, s.admin = bound[1], bound[2]
	for {
		resp, err := http.Get("http://" + s.addr + "/readyz")
		if err == nil {
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if !strings.Contains(string(body), "not been scanned") {
				return
			}
		}
		select {
		case err := <-ended:
			ended <- err
			s.t.Fatalf("serve ended: %v\n%s", err, s.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// send sends raw bytes on a connection of their own and returns the response,
// head and body apart.
func (s *server) send(request string) (head, body string) {
	s.t.Helper()
	conn := s.dial()
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	resp, err := readRaw(r)
	if err != nil {
		s.t.Fatalf("%.60q: %v", request, err)
	}
	if strings.HasPrefix(request, "HEAD") {
		return resp, ""
	}
	rest, _ := io.ReadAll(r)
	return resp, string(rest)
}

func (s *server) dial() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

// readRaw reads a response head as it is.
func readRaw(r *bufio.Reader) (string, error) {
	var head strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return head.String(), fmt.Errorf("head ends after %q: %w", head.String(), err)
		}
		head.WriteString(line)
		if line == "\r\n" {
			return head.String(), nil
		}
	}
}

// rpc posts a JSON-RPC body and returns the answer's.
func (s *server) rpc(body string) string {
	s.t.Helper()
	resp, err := http.Post("http://"+s.addr+"/", "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %d %v", body, resp.StatusCode, err)
	}
	return string(answer)
}

// alarms are the warnings and errors so far, but for the one that the archives
// of most tests, a magic number and noise, are good for.
func (s *server) alarms() []string {
	return slices.DeleteFunc(strings.Split(s.log.String(), "\n"), func(line string) bool {
		alarm := strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN")
		return !alarm || strings.Contains(line, "bank manifest not decoded")
	})
}

// putArchive writes an archive that is old enough to be listed at once.
func putArchive(t *testing.T, dir string, name snapshot.Name, body []byte) string {
	t.Helper()
	path := filepath.Join(dir, name.String())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, body)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeFile(t *testing.T, path string, body []byte) {
	t.Helper()
	if err := os.WriteFile(path, body, 0o644); err != nil {
		t.Fatal(err)
	}
}

// zstdBytes is a zstd magic number and n-4 other bytes.
func zstdBytes(n int) []byte {
	body := make([]byte, n)
	for i := range body {
		body[i] = byte(i * 7 >> 3)
	}
	copy(body, []byte{0x28, 0xb5, 0x2f, 0xfd})
	return body
}

// logBuffer keeps what was logged.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
	more chan struct{}   // closed at the next write; guarded by mu
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more != nil {
		close(b.more)
		b.more = nil
	}
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBuffer) watch() (string, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more == nil {
		b.more = make(chan struct{})
	}
	return b.text.String(), b.more
}

// await returns once text has been logged. ended may be nil.
func (b *logBuffer) await(t *testing.T, text string, ended chan error) {
	t.Helper()
	b.awaitTimes(t, 1, text, ended)
}

// awaitTimes returns once text has been logged that many times. ended may be nil.
func (b *logBuffer) awaitTimes(t *testing.T, times int, text string, ended chan error) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		log, more := b.watch()
		if strings.Count(log, text) >= times {
			return
		}
		select {
		case <-more:
		case err := <-ended:
			ended <- err
			t.Fatalf("ended before logging %q %d times: %v\n%s", text, times, err, log)
		case <-deadline:
			t.Fatalf("log has %q less than %d times:\n%s", text, times, log)
		}
	}
}

var genesisHash = archive.GenesisHash(genesisBin)
