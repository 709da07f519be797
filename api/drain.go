package api

import (
	"context"
	"time"
)

// drain is how an endpoint ends.
type drain struct {
	// delay is how long new connections are still answered.
	delay time.Duration
	// timeout is how long running requests then have.
	timeout time.Duration
	// begin is called first; nil does nothing.
	begin func()
	// cut is called last, when the timeout has passed; nil does nothing.
	cut func()
}

// cutTime is what requests have to return in once they have been told that they
// are cut.
const cutTime = time.Second

// shutDown drains: readiness fails first, so that balancers and gossip stop
// sending clients here; then, after the delay, the sockets close; then running
// requests may finish; then what is left is cut.
func (e *endpoint) shutDown() {
	if e.drain.begin != nil {
		e.drain.begin()
	}
	e.logger.Info("draining", "requests", e.requests.count(), "delay", e.drain.delay, "timeout", e.drain.timeout)
	e.server.SetKeepAlivesEnabled(false)
	<-time.After(e.drain.delay)

	ctx, cancel := context.WithTimeout(context.Background(), e.drain.timeout)
	defer cancel()
	if err := e.server.Shutdown(ctx); err == nil {
		e.logger.Info("drained")
		return
	}
	e.logger.Warn("drain timed out: transfers cut", "transfers", e.requests.count(), "timeout", e.drain.timeout)
	e.cut()
}

// cut ends what still runs. Who knows the downloads ends them first, as cut by
// us: to a handler a closed connection looks as if the client had gone.
func (e *endpoint) cut() {
	if e.drain.cut != nil {
		e.drain.cut()
		ctx, cancel := context.WithTimeout(context.Background(), cutTime)
		defer cancel()
		_ = e.ended(ctx)
	}
	_ = e.server.Close()
}
