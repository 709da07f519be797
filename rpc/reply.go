package rpc

import (
	"net/http"
	"strconv"
)

// reply is what goes back for a request that was read: always JSON, and empty
// when there was nothing to answer.
type reply struct {
	text []byte
	// long are results that are not copied into text but written between its
	// parts, in order of at.
	long []insert
	// held are the outcomes whose memory is the reply's until it is written.
	held []*holding
	// retryAfter, in seconds, turns the response into a 429 when not 0.
	retryAfter int
}

// insert is a text that stands before the byte at that place of another.
type insert struct {
	at   int
	text []byte
}

// longText is from when on a copy costs more than another write.
const longText = 16 << 10

// add appends one response object, members in jsonrpc-core's order. A request
// without a version gets a response without one.
func (p *reply) add(t *task) {
	p.text = append(p.text, '{')
	if t.err != errVersion {
		p.text = append(p.text, `"jsonrpc":"2.0",`...)
	}
	switch {
	case t.result != nil:
		p.text = append(p.text, `"result":`...)
		p.insert(t.result)
	case t.rawErr != nil:
		p.text = append(p.text, `"error":`...)
		p.insert(t.rawErr)
	default:
		p.text = append(append(p.text, `"error":`...), marshalError(t.err)...)
	}
	p.text = append(append(p.text, `,"id":`...), t.id...)
	p.text = append(p.text, '}')
	p.keep(&t.outcome)
}

func (p *reply) insert(text []byte) {
	if len(text) < longText {
		p.text = append(p.text, text...)
		return
	}
	p.long = append(p.long, insert{len(p.text), text})
}

// keep takes over the memory of an outcome, to the end of the reply only if
// the reply still needs it.
func (p *reply) keep(o *outcome) {
	switch {
	case o.held == nil:
	case len(o.result)+len(o.rawErr) < longText:
		o.release()
	default:
		p.held = append(p.held, o.held)
	}
}

// release gives back the memory of what has been written.
func (p *reply) release() {
	for _, h := range p.held {
		h.free()
	}
}

func (p *reply) length() int {
	n := len(p.text)
	for _, long := range p.long {
		n += len(long.text)
	}
	return n
}

func (p *reply) write(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = contentLength(p.length())
	if p.retryAfter > 0 {
		h["Retry-After"] = []string{strconv.Itoa(p.retryAfter)}
		w.WriteHeader(http.StatusTooManyRequests)
	}
	// The client may be gone at any of these; there is nobody else to tell.
	done := 0
	for _, long := range p.long {
		_, _ = w.Write(p.text[done:long.at])
		if _, err := w.Write(long.text); err != nil {
			return
		}
		done = long.at
	}
	_, _ = w.Write(p.text[done:])
}

// shortLengths are the values of Content-Length for short answers, so that
// they take no allocation. Never modified.
var shortLengths = func() (values [512][]string) {
	for n := range values {
		values[n] = []string{strconv.Itoa(n)}
	}
	return values
}()

// contentLength is the value of that header.
func contentLength(n int) []string {
	if n < len(shortLengths) {
		return shortLengths[n]
	}
	return []string{strconv.Itoa(n)}
}
