package rpc

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// envelope is one element of a request, cut from the body. Its slices share
// the body's memory and are valid until the response is written.
type envelope struct {
	// id is the JSON text to answer under: null when the request had none that
	// could be used.
	id     []byte
	method []byte
	// params is an array or an object, or nil when absent or null.
	params []byte
	// notified: no id member, so there is neither execution nor answer. Agave
	// registers no notification handlers.
	notified bool
	// fault is errInvalidRequest or errVersion when the element has no shape to execute.
	fault *Error
}

var null = []byte("null")

// parseRequest cuts a body into its elements, at most maxBatch of them, and
// appends them to elements, which spares an allocation for one. A single call is a batch of one with batch false. Any error, of syntax or of
// an element that is not even recognisable as a call, spoils the whole request
// (jsonrpc-core's untagged enum Request matches as a whole or not at all).
func parseRequest(body []byte, maxBatch int, elements []envelope) (_ []envelope, batch bool, fault *Error) {
	s := scanner{text: body}
	if s.peek() != '[' {
		elements = append(elements, s.envelope())
		if s.end(); s.bad {
			return nil, false, errParse
		}
		return elements, false, nil
	}
	count := 0
	s.enter('[')
	for first := true; s.more(']', first); first = false {
		element := s.envelope()
		if count++; count <= maxBatch {
			elements = append(elements, element)
		}
	}
	if s.end(); s.bad {
		return nil, true, errParse
	}
	if count > maxBatch {
		return nil, true, errBatchTooLong(count, maxBatch)
	}
	return elements, true, nil
}

// members is the set of member names that an object has had so far.
type members uint8

const (
	memberID members = 1 << iota
	memberVersion
	memberMethod
	memberParams
)

// once adds m and reports whether it was new.
func (seen *members) once(m members) bool {
	fresh := *seen&m == 0
	*seen |= m
	return fresh
}

// envelope consumes one call object. It fails the scan for what no shape of
// jsonrpc-core's Call matches: not an object, or an id that is no id.
func (s *scanner) envelope() envelope {
	e := envelope{id: null}
	var seen members
	valid, version := true, false
	s.enter('{')
	for first := true; s.more('}', first); first = false {
		switch name := unquote(s.key()); string(name) {
		case "id":
			e.id = s.id()
			if !seen.once(memberID) {
				e.id, valid = null, false
			}
		case "jsonrpc":
			ok := s.version(&version)
			valid = seen.once(memberVersion) && ok && valid
		case "method":
			e.method = s.method()
			valid = seen.once(memberMethod) && e.method != nil && valid
		case "params":
			ok := s.params(&e.params)
			valid = seen.once(memberParams) && ok && valid
		default:
			s.value()
			valid = false
		}
	}
	e.notified = seen&memberID == 0
	e.judge(valid && seen&memberMethod != 0, version)
	return e
}

// judge sets the fault of a scanned element.
func (e *envelope) judge(valid, version bool) {
	switch {
	case !valid:
		e.fault, e.notified = errInvalidRequest, false
	case !version && !e.notified:
		e.fault = errVersion
	}
}

// id consumes null, a string or an unsigned 64-bit integer, whose text is
// echoed as it stands: it must never pass through a float64.
func (s *scanner) id() []byte {
	switch s.peek() {
	case '"':
		return s.str()
	case 'n':
		return s.value()
	}
	text := s.value()
	if _, err := strconv.ParseUint(string(text), 10, 64); err != nil {
		s.bad = true
	}
	return text
}

// version consumes the jsonrpc member and reports whether it was "2.0" or
// null, and in *given that it was not null.
func (s *scanner) version(given *bool) (ok bool) {
	text := s.value()
	if bytes.Equal(text, null) {
		return true
	}
	*given = len(text) > 0 && text[0] == '"' && string(unquote(text)) == "2.0"
	return *given
}

// method consumes the method member; it returns nil unless that is a string.
func (s *scanner) method() []byte {
	if s.peek() != '"' {
		s.value()
		return nil
	}
	return unquote(s.str())
}

// params consumes the params member and reports whether it was an array, an
// object or null.
func (s *scanner) params(into *[]byte) (ok bool) {
	c := s.peek()
	text := s.value()
	*into = nil
	if c == '[' || c == '{' {
		*into = text
		return true
	}
	return c == 'n'
}

// unquote returns the bytes that a scanned string stands for; never nil for a
// string. Only strings with escapes are copied.
func unquote(text []byte) []byte {
	if len(text) < 2 {
		return nil
	}
	if bytes.IndexByte(text, '\\') < 0 {
		return text[1 : len(text)-1]
	}
	var plain string
	if err := json.Unmarshal(text, &plain); err != nil {
		return nil
	}
	return append([]byte{}, plain...)
}
