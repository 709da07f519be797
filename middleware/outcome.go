package middleware

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"

	"solsnap/snapshot"
)

// The outcomes of a download: the label values of its metrics.
const (
	outcomeComplete = "complete"
	outcomeClient   = "client_closed"
	outcomeSlow     = "too_slow"
	outcomeArchive  = "archive_changed"
	outcomeServer   = "server_stopped"
	outcomeError    = "error"
)

// outcome classifies the end, and words it for the access log.
func (t *transfer) outcome(cause error) (label, why string) {
	switch {
	case cause == nil && t.err == nil && t.sent.Load() == t.size:
		return outcomeComplete, "complete"
	case errors.Is(cause, errTooSlow):
		return outcomeSlow, cause.Error()
	case errors.Is(cause, errDrained):
		return outcomeServer, cause.Error()
	case errors.Is(cause, errRecycled):
		return outcomeArchive, cause.Error()
	case errors.Is(t.err, snapshot.ErrChanged):
		return outcomeArchive, t.err.Error()
	case clientGone(t.request.Context(), t.err):
		return outcomeClient, "client closed the connection"
	default:
		return outcomeError, t.err.Error()
	}
}

// clientGone tells an aborted download, which is normal, from a failure of ours.
func clientGone(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.Canceled)
}
