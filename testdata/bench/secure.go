//go:build linux

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
)

// secureLoad is like load over TLS 1.3: the client has to decrypt, so it is
// the slower side, and only the server's CPU time says something.
type secureLoad struct {
	conns []*tls.Conn
}

func connectSecurely(ctx context.Context, address string, n int) (*secureLoad, error) {
	l := &secureLoad{}
	dialer := tls.Dialer{Config: &tls.Config{
		InsecureSkipVerify: true, // it is our own, made a moment ago
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{"http/1.1"},
	}}
	for range n {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			l.close()
			return nil, fmt.Errorf("connect with TLS: %w", err)
		}
		l.conns = append(l.conns, conn.(*tls.Conn))
	}
	return l, nil
}

func (l *secureLoad) close() {
	for _, conn := range l.conns {
		_ = conn.NetConn().Close()
	}
}

// cipher is the suite that the server chose; a comparison of two suites would
// be one of AES and not of servers.
func (l *secureLoad) cipher() string {
	return tls.CipherSuiteName(l.conns[0].ConnectionState().CipherSuite)
}

// run lets each client make its first request of the script.
func (l *secureLoad) run(ctx context.Context, next script) (tally, error) {
	var t tally
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, l.close)
	defer stop()
	for i, conn := range l.conns {
		want, ok := next(i, 0)
		if !ok {
			continue
		}
		t.requests++
		t.bytes += want.length
		group.Go(func() error { return download(conn, want) })
	}
	err := group.Wait()
	t.elapsed = time.Since(began)
	return t, err
}

// download makes one request and reads exactly its response.
func download(conn io.ReadWriter, want request) error {
	if _, err := conn.Write(want.text); err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		seen, err := r.Peek(r.Buffered() + 1)
		if err != nil {
			return fmt.Errorf("read head: %w", err)
		}
		seen, _ = r.Peek(max(len(seen), r.Buffered()))
		head, body, err := want.check(seen[:min(len(seen), maxHead)])
		if err != nil {
			return err
		}
		if head > 0 {
			_, err = io.CopyN(io.Discard, r, int64(head)+body)
			return err
		}
	}
}
