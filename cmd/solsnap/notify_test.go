package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// manager is the service manager's end of the socket.
func manager(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func hear(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 4096)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func environment(pairs ...string) func(string) string {
	return func(key string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == key {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestNotifier(t *testing.T) {
	names := map[string]string{"path": filepath.Join(t.TempDir(), "notify")}
	if runtime.GOOS == "linux" {
		names["abstract"] = "@solsnap-" + strconv.FormatInt(time.Now().UnixNano(), 10)
	}
	for name, socket := range names {
		t.Run(name, func(t *testing.T) {
			conn := manager(t, socket)
			n, err := newNotifier(environment("NOTIFY_SOCKET", socket), 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct {
				say  func() error
				want string
			}{{n.Ready, "READY=1"}, {n.Stopping, "STOPPING=1"}} {
				if err := step.say(); err != nil {
					t.Fatal(err)
				}
				if got := hear(t, conn); got != step.want {
					t.Errorf("heard %q, want %q", got, step.want)
				}
			}
			if err := n.Reloading(); err != nil {
				t.Fatal(err)
			}
			first, usec, _ := strings.Cut(hear(t, conn), "\nMONOTONIC_USEC=")
			if _, err := strconv.ParseUint(usec, 10, 64); err != nil || first != "RELOADING=1" {
				t.Errorf("heard %q with time %q", first, usec)
			}
		})
	}
}

func TestNotifierFeedsTheWatchdog(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	conn := manager(t, socket)
	n, err := newNotifier(environment("NOTIFY_SOCKET", socket, "WATCHDOG_USEC", "20000", "WATCHDOG_PID", "7"), 7)
	if err != nil {
		t.Fatal(err)
	}
	if n.watchdog != 10*time.Millisecond {
		t.Errorf("feeds every %v, want half of 20ms", n.watchdog)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended, asked, lost := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		defer close(ended)
		n.Run(ctx, func() { asked <- struct{}{} }, func(err error) { lost <- err })
	}()
	for range 3 {
		<-asked
		if got := hear(t, conn); got != "WATCHDOG=1" {
			t.Errorf("heard %q", got)
		}
	}
	// A manager that is gone for a while is fed again when it is back.
	conn.Close()
	<-asked
	if err := <-lost; err == nil {
		t.Error("the manager is gone, and nothing is said of it")
	}
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	conn = manager(t, socket)
	for fed := false; !fed; {
		select {
		case <-asked:
		case <-lost:
		default:
			_ = conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
			buf := make([]byte, 64)
			length, _ := conn.Read(buf)
			fed = string(buf[:length]) == "WATCHDOG=1"
		}
	}
	cancel()
	for {
		select {
		case <-asked:
		case <-lost:
		case <-ended:
			return
		}
	}
}

func TestNotifierEnvironment(t *testing.T) {
	for name, test := range map[string]struct {
		env      func(string) string
		watchdog time.Duration
		bad      bool
	}{
		"nothing":              {env: environment()},
		"watchdog, no socket":  {env: environment("WATCHDOG_USEC", "2000000")},
		"no watchdog":          {env: environment("NOTIFY_SOCKET", "/run/n")},
		"watchdog":             {env: environment("NOTIFY_SOCKET", "/run/n", "WATCHDOG_USEC", "2000000"), watchdog: time.Second},
		"watchdog of another":  {env: environment("NOTIFY_SOCKET", "/run/n", "WATCHDOG_USEC", "2000000", "WATCHDOG_PID", "8")},
		"watchdog of nonsense": {env: environment("NOTIFY_SOCKET", "/run/n", "WATCHDOG_USEC", "soon"), bad: true},
		"relative socket":      {env: environment("NOTIFY_SOCKET", "run/n"), bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := newNotifier(test.env, 7)
			if (err != nil) != test.bad {
				t.Fatalf("error is %v", err)
			}
			if err == nil && n.watchdog != test.watchdog {
				t.Errorf("feeds every %v, want %v", n.watchdog, test.watchdog)
			}
		})
	}
}

func TestNotifierWithoutAManagerSaysNothing(t *testing.T) {
	n, err := newNotifier(environment(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, say := range []func() error{n.Ready, n.Reloading, n.Stopping} {
		if err := say(); err != nil {
			t.Error(err)
		}
	}
	n.Run(t.Context(), func() { t.Error("asked without a watchdog") }, func(err error) { t.Error(err) })
	gone, err := newNotifier(environment("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone")), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Ready(); err == nil {
		t.Error("no error from a socket that is not there")
	}
}
