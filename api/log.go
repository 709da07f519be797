package api

import (
	"bytes"
	"context"
	"log/slog"
	"time"

	"golang.org/x/time/rate"
)

// serverLog receives the lines that net/http writes to its ErrorLog. Nearly all
// of them are about what a peer did (a failed TLS handshake, a connection that
// was opened and closed, which gossip clients do to probe us) and go to debug.
type serverLog struct {
	logger *slog.Logger
	accept rate.Sometimes // clients that take every descriptor bring a line each second
}

func newServerLog(logger *slog.Logger) *serverLog {
	return &serverLog{logger: logger, accept: rate.Sometimes{First: 1, Interval: time.Minute}}
}

// acceptError is mostly for want of file descriptors.
var acceptError = []byte("Accept error")

// ours are the parts of net/http's lines that tell of a fault on this side.
var ours = [][]byte{
	[]byte("panic serving"),
	[]byte("superfluous response.WriteHeader"),
}

// Write logs one line.
func (l *serverLog) Write(line []byte) (int, error) {
	l.logger.Log(context.Background(), l.level(line), "http server reports", "err", string(bytes.TrimSpace(line)))
	return len(line), nil
}

// level is error for our faults, but of one that goes on only once a minute.
func (l *serverLog) level(line []byte) slog.Level {
	level := slog.LevelDebug
	if bytes.Contains(line, acceptError) {
		l.accept.Do(func() { level = slog.LevelError })
		return level
	}
	for _, part := range ours {
		if bytes.Contains(line, part) {
			level = slog.LevelError
		}
	}
	return level
}
