package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// notifier tells the service manager how the program is: sd_notify(3) over the
// socket in NOTIFY_SOCKET. Without one it says nothing, and nothing fails.
type notifier struct {
	socket   string        // "" for none; "@…" is an abstract name on Linux
	watchdog time.Duration // how often WATCHDOG=1 is due; 0 for never
}

// newNotifier reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. pid is the
// caller's own: a watchdog for another process is none of ours.
func newNotifier(getenv func(string) string, pid int) (*notifier, error) {
	n := &notifier{socket: getenv("NOTIFY_SOCKET")}
	if n.socket != "" && !strings.HasPrefix(n.socket, "/") && !strings.HasPrefix(n.socket, "@") {
		return nil, fmt.Errorf("NOTIFY_SOCKET %q is neither a path nor an abstract name", n.socket)
	}
	usec := getenv("WATCHDOG_USEC")
	owner := getenv("WATCHDOG_PID")
	if n.socket == "" || usec == "" || (owner != "" && owner != strconv.Itoa(pid)) {
		return n, nil
	}
	micros, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || micros <= 0 || micros > int64(24*time.Hour/time.Microsecond) {
		return nil, fmt.Errorf("WATCHDOG_USEC %q is no number of microseconds", usec)
	}
	n.watchdog = time.Duration(micros) * time.Microsecond / 2
	return n, nil
}

// Ready says that the program serves, or does so again after Reloading.
func (n *notifier) Ready() error { return n.send("READY=1") }

// Stopping says that the program drains and ends.
func (n *notifier) Stopping() error { return n.send("STOPPING=1") }

// Reloading says that SIGHUP is being worked on. Type=notify-reload wants the
// time too, to tell this reload from the one before.
func (n *notifier) Reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("read the monotonic clock: %w", err)
	}
	return n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000))
}

// Run feeds the watchdog, if there is one, until ctx ends: each time alive has
// returned. A program whose alive hangs is one to restart. A feed that fails is
// told to failed, and tried again at the next turn.
func (n *notifier) Run(ctx context.Context, alive func(), failed func(error)) {
	if n.watchdog == 0 {
		return
	}
	ticker := time.NewTicker(n.watchdog)
	defer ticker.Stop()
	for {
		alive()
		if err := n.send("WATCHDOG=1"); err != nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sendTime is how long a service manager may take to make room for a message.
const sendTime = time.Second

func (n *notifier) send(state string) error {
	if n.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify service manager: %w", err)
	}
	if err = conn.SetWriteDeadline(time.Now().Add(sendTime)); err == nil {
		_, err = conn.Write([]byte(state))
	}
	if closeErr := conn.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("notify service manager: %w", err)
	}
	return nil
}
