//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// program is one of the two that are compared.
type program interface {
	name() string
	// launch starts it with at most rate bytes per second for each download, 0
	// meaning as fast as it goes. It need not listen yet.
	launch(ctx context.Context, rate int64) (*server, error)
	// ready returns when a server that answers has nothing left to do but that.
	ready(ctx context.Context, s *server) error
}

// server is a running program.
type server struct {
	*process
	address    string // plaintext
	tlsAddress string
	admin      string        // solsnap's metrics and profiles; "" for nginx
	rate       int64         // as given to launch
	firstByte  time.Duration // from its start to the first byte of the archive
}

// contender is a program and its server, of which one runs at a time.
type contender struct {
	program
	files   files
	current *server // nil before the first start
}

// running returns the server, started anew unless it has that rate.
func (c *contender) running(ctx context.Context, rate int64) (*server, error) {
	if c.current != nil && c.current.rate == rate && c.current.died() == nil {
		return c.current, nil
	}
	return c.restarted(ctx, rate)
}

// restarted returns a server that has not served anyone yet.
func (c *contender) restarted(ctx context.Context, rate int64) (*server, error) {
	c.stop()
	began := time.Now()
	s, err := c.launch(ctx, rate)
	if err != nil {
		return nil, err
	}
	c.current = s
	if err := s.awaitFirstByte(ctx, "/"+c.files.archive); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name(), err)
	}
	s.firstByte = time.Since(began)
	return s, c.ready(ctx, s)
}

func (c *contender) stop() {
	if c.current != nil {
		c.current.stop()
		c.current = nil
	}
}

// awaitFirstByte asks for one byte of the archive until it comes. On loopback a
// refused connection is cheap, so it asks often.
func (s *server) awaitFirstByte(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := s.probe(ctx, path)
		if err == nil {
			return nil
		}
		if died := s.died(); died != nil {
			return died
		}
		if pause(ctx, 200*time.Microsecond) != nil {
			return fmt.Errorf("no byte of %s: %w", path, err)
		}
	}
}

func (s *server) probe(ctx context.Context, path string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Write(get(s.address, path, "bytes=0-0")); err != nil {
		return err
	}
	buf := make([]byte, maxHead)
	n, err := conn.Read(buf)
	if err != nil {
		return err
	}
	if line := string(buf[:n]); !strings.HasPrefix(line, "HTTP/1.1 206 ") {
		return fmt.Errorf("answered %.40q", line)
	}
	return nil
}

// fetch returns a small body with status 200. A body to send makes it JSON.
func (s *server) fetch(ctx context.Context, method, path, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: got %s, want 200", method, path, res.Status)
	}
	return string(got), err
}

// freeAddresses are n on loopback that nothing listens on now.
func freeAddresses(n int) ([]string, error) {
	addresses := make([]string, 0, n)
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // only now, so that all are different
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}

// pause waits, or returns why it did not.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
