package rpc

import (
	"errors"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// maxParallel is how many elements of one batch run at once.
const maxParallel = 16

// task is an element of a request and what became of it.
type task struct {
	envelope
	outcome
	// retryAfter, in seconds, is not 0 when the client's rate was exceeded.
	retryAfter int
}

// respond executes the request in body and appends the response to out.
func (s *Server) respond(r *http.Request, body, out []byte) reply {
	var one [1]envelope
	elements, batch, fault := parseRequest(body, s.config.MaxBatch, one[:0])
	switch {
	case fault != nil:
		s.metrics.other.count(fault.Code)
		return single(&task{envelope: envelope{id: null}, outcome: outcome{err: fault}}, out)
	case batch:
		s.metrics.batch.Observe(float64(len(elements)))
		return s.respondBatch(r, elements, out)
	case elements[0].notified:
		return reply{text: out}
	}
	t := task{envelope: elements[0]}
	s.execute(r, &t)
	return single(&t, out)
}

// single appends the response to a request that is no batch.
func single(t *task, out []byte) reply {
	answer := reply{text: out, retryAfter: t.retryAfter}
	answer.add(t)
	answer.text = append(answer.text, '\n')
	return answer
}

// respondBatch executes the elements side by side and appends the responses in
// the order of the requests; nothing at all when all were notifications.
func (s *Server) respondBatch(r *http.Request, elements []envelope, out []byte) reply {
	if s.config.Upstream != nil {
		limited, cancel := s.config.Upstream.batchContext(r.Context())
		defer cancel()
		r = r.WithContext(limited)
	}
	tasks := make([]task, len(elements))
	for i := range elements {
		tasks[i].envelope = elements[i]
	}
	crew := &crew{tasks: tasks, execute: func(t *task) { s.execute(r, t) }}
	crew.room.Store(s.config.MaxBatchBytes)
	crew.left.Add(len(tasks))
	crew.work(1)
	crew.left.Wait()
	answer := reply{text: out}
	open := byte('[')
	for i := range tasks {
		if t := &tasks[i]; !t.notified {
			answer.text = append(answer.text, open)
			answer.add(t)
			open = ','
		}
	}
	if open == ',' {
		answer.text = append(answer.text, ']', '\n')
	}
	return answer
}

// crew works off a batch. It grows while there is work that nobody has taken:
// each hand calls the next as it starts, so that a batch of quick calls is done
// by one or two goroutines, and slow calls all run at once.
type crew struct {
	tasks   []task
	execute func(*task)
	next    atomic.Int64   // index of the first task not taken
	left    sync.WaitGroup // tasks not done
	room    atomic.Int64   // bytes that results may still take; what runs may overdraw it
}

// work takes tasks until none is left. The nth hand is the last if the crew is
// maxParallel then.
func (c *crew) work(n int) {
	for called := false; ; called = true {
		i := int(c.next.Add(1)) - 1
		if i >= len(c.tasks) {
			return
		}
		if !called && n < maxParallel && i+1 < len(c.tasks) {
			go c.work(n + 1)
		}
		c.do(&c.tasks[i])
	}
}

func (c *crew) do(t *task) {
	defer c.left.Done()
	if t.notified {
		return
	}
	if c.room.Load() >= 0 {
		c.execute(t)
	}
	if c.room.Add(-int64(len(t.result)+len(t.rawErr))) < 0 {
		t.release()
		t.outcome = outcome{err: errBatchTooLarge}
	}
}

// execute runs one call to its outcome, whatever the method does.
func (s *Server) execute(r *http.Request, t *task) {
	started := time.Now()
	m := s.methods[string(t.method)]
	defer s.measure(m, t, started)
	defer s.rescue(r, t)
	switch {
	case t.fault != nil:
		t.err = t.fault
	case m == nil:
		t.err = unanswered(string(t.method))
	case m.forwarded && s.forward(r, m, t):
	case m.target == "":
		t.err = errUnhealthy
	default:
		s.local(r, m, t)
	}
}

// rescue turns a panic of a method into an error of that call alone.
func (s *Server) rescue(r *http.Request, t *task) {
	if cause := recover(); cause != nil {
		s.config.Logger.Error("rpc method panicked", "method", string(t.method), requestKey, requestID(r),
			"err", cause, "stack", string(debug.Stack()))
		t.outcome = outcome{err: errInternal}
	}
}

// local answers by the registered method.
func (s *Server) local(r *http.Request, m *method, t *task) {
	result, err := s.invoke(r, m.target, t.params)
	if err == nil {
		t.result, err = marshal(result)
	}
	if err != nil {
		t.outcome = outcome{err: s.public(r, m, err)}
	}
}

// forward asks the upstream and reports whether that settled the call. It did
// not when the local method may answer: when the upstream cannot now, or when
// the client has asked it too often.
func (s *Server) forward(r *http.Request, m *method, t *task) bool {
	local := m.target != ""
	answer, err := s.config.Upstream.forward(r, upstreamCall{
		method: m.name, params: t.params, brief: local, noBigtable: r.Header.Get(bigtableHeader) == bigtableOff,
	})
	var limited *limitedError
	switch {
	case err == nil:
		t.outcome = answer
	case errors.As(err, &limited) && !local:
		t.err, t.retryAfter = errTooMany, limited.seconds()
	default:
		// The upstream has logged and counted it.
		return false
	}
	return true
}

// public looks an error up in the table and logs the cause of those that
// clients are not told.
func (s *Server) public(r *http.Request, m *method, err error) *Error {
	public, logged := publicError(err)
	if logged {
		s.config.Logger.Error("rpc method failed", "method", m.name, requestKey, requestID(r), "err", err)
	}
	return public
}

// requestKey is the log attribute of the request ID, as in the access log.
const requestKey = "request"

// requestID is what the access log calls the request by.
func requestID(r *http.Request) string { return r.Header.Get("X-Request-Id") }

// measure counts a finished call.
func (s *Server) measure(m *method, t *task, started time.Time) {
	metrics := &s.metrics.other
	if m != nil && t.fault == nil {
		metrics = &m.metrics
	}
	metrics.duration.Observe(time.Since(started).Seconds())
	if t.result != nil {
		metrics.ok.Inc()
		return
	}
	metrics.count(t.err.Code)
}
