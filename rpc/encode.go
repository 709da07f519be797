package rpc

import (
	"bytes"
	"encoding/json"
	"sync"
)

// encoder is a json.Encoder that does not escape HTML, with the buffer it fills.
type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}}

// maxPooled is the largest buffer that goes back to a pool; one huge answer
// must not stay resident for ever.
const maxPooled = 64 << 10

// appender is a result that is asked for so often that it prints itself.
type appender interface{ appendJSON(b []byte) []byte }

// marshal is json.Marshal without the escaping of HTML, which serde_json does not do.
func marshal(v any) ([]byte, error) {
	switch v := v.(type) {
	case json.RawMessage:
		return v, nil
	case appender:
		return v.appendJSON(make([]byte, 0, 64)), nil
	}
	e := encoders.Get().(*encoder)
	e.buf.Reset()
	err := e.json.Encode(v)
	text := bytes.Clone(bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")))
	// An encoder that has failed keeps its error; it is not used again.
	if err == nil && e.buf.Cap() <= maxPooled {
		encoders.Put(e)
	}
	return text, err
}

// outcome is how a call ended: the text of its result, or an error.
type outcome struct {
	// result is a JSON text; nil means that err says what happened.
	result []byte
	err    *Error
	// rawErr, if not nil, is the text to send in the place of err: the
	// upstream's own, which may hold members that Error does not have.
	rawErr []byte
	// held is what result and rawErr are parts of when they are the upstream's.
	held *holding
}

// release gives back the memory of an outcome that is not used any longer.
func (o *outcome) release() {
	if o.held != nil {
		o.held.free()
	}
}

// marshalError never fails: data that cannot be encoded is left out.
func marshalError(e *Error) []byte {
	text, err := marshal(e)
	if err != nil {
		text, _ = marshal(&Error{Code: e.Code, Message: e.Message})
	}
	return text
}
