package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// reloaded is a setting whose new value SIGHUP puts in force.
type reloaded struct {
	from, to string                // values in the file
	flags    []string              // besides
	observe  func(*server, string) // expects the value to be in force
}

// reloads has a row for each setting that is marked reload.
func reloads(o *outfit) map[string]reloaded {
	limit := func(member string) func(*server, string) {
		return func(s *server, value string) { shows(`"` + member + `":` + strings.TrimSuffix(value, "s") + ",")(s) }
	}
	return map[string]reloaded{
		"health-check-slot-distance": {"849", "850", []string{"--upstream-rpc", o.upstream}, (*server).isWithinDistance},
		"health-status-codes":        {"false", "true", nil, (*server).givesStatusCodes},
		"max-downloads":              {"7", "9", nil, limit("maxDownloads")},
		"max-downloads-per-client":   {"7", "9", nil, limit("maxDownloadsPerClient")},
		"download-rate":              {"1000000", "0", nil, limit("downloadRate")},
		"total-download-rate":        {"90000000", "0", nil, limit("totalRate")},
		"minimum-progress-rate":      {"1000", "0", nil, limit("minimumRate")},
		"minimum-progress-window": {"7s", "9s", nil, func(s *server, value string) {
			shows(`"minimumWindowSeconds":` + strings.TrimSuffix(value, "s") + "}")(s)
		}},
		"access-log": {"downloads", "all", nil, (*server).logsProbesAtInfo},
		"log-level":  {"info", "debug", nil, (*server).logsProbesAtDebug},
	}
}

func TestReloadPutsSettingsInForce(t *testing.T) {
	for name, row := range reloads(newOutfit(t)) {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "solsnap.yaml")
			writeFile(t, file, []byte(name+": "+row.from+"\n"))
			s, process := startConfigured(t, file, row.flags...)
			row.observe(s, row.from)
			writeFile(t, file, []byte(name+": "+row.to+"\n"))
			s.hangUp(process)
			s.log.await(t, `msg="configuration reloaded" changed=[`+name+`]`, s.ended)
			row.observe(s, row.to)
		})
	}
}

// startConfigured is startProcess over the pair, without the flag for the log
// level: what is a flag cannot be reloaded.
func startConfigured(t *testing.T, file string, flags ...string) (*server, *exec.Cmd) {
	t.Helper()
	s, args := newServer(t, putPair(t), append(flags, "--config", file))
	at := slices.Index(args, "--log-level")
	return s, s.spawn(slices.Delete(args, at, at+2))
}

func (s *server) hangUp(process *exec.Cmd) {
	s.t.Helper()
	if err := process.Process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
}

// isWithinDistance of the upstream's slot 1000: the pair's is 150.
func (s *server) isWithinDistance(distance string) {
	s.t.Helper()
	s.pollHealth(map[string]string{"849": "behind", "850": "ok"}[distance])
}

func (s *server) givesStatusCodes(on string) {
	s.t.Helper()
	replies(request("GET", "/health"), map[string]string{"false": "HTTP/1.1 200", "true": "HTTP/1.1 503"}[on], "unknown")(s)
}

func (s *server) logsProbesAtInfo(which string) {
	s.t.Helper()
	s.probeIsLogged("level=INFO msg=request", which == "all")
}

func (s *server) logsProbesAtDebug(level string) {
	s.t.Helper()
	s.probeIsLogged("level=DEBUG msg=request", level == "debug")
}

// probeIsLogged, or is not, before a download that is.
func (s *server) probeIsLogged(line string, want bool) {
	s.t.Helper()
	before := strings.Count(s.log.String(), "ended=complete")
	for _, path := range []string{"/livez", "/" + fullAt100.String()} {
		replies(request("GET", path), "HTTP/1.1 200", "")(s)
	}
	s.log.awaitTimes(s.t, before+1, "ended=complete", s.ended)
	found := false
	for logged := range strings.Lines(s.log.String()) {
		found = found || strings.Contains(logged, line) && strings.Contains(logged, "path=/livez")
	}
	if found != want {
		s.t.Errorf("%s for a probe: %v, want %v\n%s", line, found, want, s.log)
	}
}

// TestReloadReadsTheCertificate at once, and keeps the old one when the new one
// is broken.
func TestReloadReadsTheCertificate(t *testing.T) {
	o := newOutfit(t)
	file := filepath.Join(t.TempDir(), "solsnap.yaml")
	writeFile(t, file, []byte("log-level: debug\n"))
	s, process := startConfigured(t, file, o.tlsFlags()...)
	s.speaksTLS(o)
	writeCertificate(t, o.cert, o.key, 2)
	s.hangUp(process)
	s.log.awaitTimes(t, 1, "configuration reloaded", s.ended)
	s.speaksTLS(o)
	good, err := os.ReadFile(o.cert)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, o.cert, []byte("no certificate"))
	s.hangUp(process)
	s.log.await(t, "certificate not reloaded; the old one stays in force", s.ended)
	writeFile(t, o.cert, good) // for the client to trust
	s.speaksTLS(o)
}

// TestTerminationWaitsForTheSettings: for drain-delay everything is answered and
// nothing is ready, and a second signal ends that.
func TestTerminationWaitsForTheSettings(t *testing.T) {
	s, process := startProcess(t, putPair(t), "--drain-delay", "50m", "--drain-timeout", "7s")
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.log.await(t, "msg=draining", s.ended)
	if log := s.log.String(); !strings.Contains(log, "delay=50m0s timeout=7s") {
		t.Errorf("drains otherwise than it was told:\n%s", log)
	}
	replies(request("GET", "/readyz"), "HTTP/1.1 503", `"draining"`)(s)
	replies(request("GET", "/"+incrAt150.String()), "HTTP/1.1 200", "")(s)
	s.poll("ended by another signal", func() bool {
		_ = process.Process.Signal(syscall.SIGTERM) // it may have ended by now
		select {
		case err := <-s.ended:
			s.ended <- err
			return true
		default:
			return false
		}
	})
	if code := process.ProcessState.ExitCode(); code != -1 {
		t.Errorf("ended with exit code %d, want to be killed by the second signal", code)
	}
}

// TestServeTellsTheManager what becomes of it, and feeds its watchdog.
func TestServeTellsTheManager(t *testing.T) {
	socket := filepath.Join(shortTempDir(t), "notify")
	conn := manager(t, socket)
	s, args := newServer(t, putPair(t), nil)
	process := s.spawn(args, "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=600000000") // fed once, at the start
	first := []string{hear(t, conn), hear(t, conn)}
	slices.Sort(first)
	if got := strings.Join(first, ","); got != "READY=1,WATCHDOG=1" {
		t.Fatalf("at the start it says %s", got)
	}
	s.hangUp(process)
	if got := hear(t, conn); !strings.HasPrefix(got, "RELOADING=1\nMONOTONIC_USEC=") {
		t.Errorf("at SIGHUP it says %q", got)
	}
	if got := hear(t, conn); got != "READY=1" {
		t.Errorf("when it has reloaded it says %q", got)
	}
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := hear(t, conn); got != "STOPPING=1" {
		t.Errorf("at SIGTERM it says %q", got)
	}
}

// shortTempDir has a path that the address of a socket has room for.
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
