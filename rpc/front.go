package rpc

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"unicode/utf8"
)

// Header values, shared by all responses and never modified.
var (
	jsonType = []string{"application/json; charset=utf-8"}
	textType = []string{"text/plain; charset=utf-8"}
	allowed  = []string{"OPTIONS, POST"}
	accepted = []string{"application/json"}
)

// refusal is an answer of the transport itself, with no JSON-RPC inside.
type refusal struct {
	status int
	text   string
}

func refuse(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h["Content-Type"] = textType
	h["Content-Length"] = contentLength(len(text))
	w.WriteHeader(status)
	// The client may be gone; there is nobody else to tell.
	_, _ = io.WriteString(w, text)
}

func serveOptions(w http.ResponseWriter) {
	h := w.Header()
	h["Allow"] = allowed
	h["Accept"] = accepted
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{"0"}
	w.WriteHeader(http.StatusOK)
}

// acceptable reports whether the content type is one of the three strings that
// jsonrpc-http-server compares with; it parses no parameters.
func acceptable(h http.Header) bool {
	values := h["Content-Type"]
	if len(values) == 0 {
		return false
	}
	switch lowerASCII(values[0]) {
	case "application/json", "application/json; charset=utf-8", "application/json;charset=utf-8":
		return true
	}
	return false
}

// lowerASCII differs from strings.ToLower and strings.EqualFold on letters
// such as U+212A, which they take for a k. It allocates only for capitals.
func lowerASCII(s string) string {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			return lowerCopy(s)
		}
	}
	return s
}

func lowerCopy(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// readBody reads the body into b, which it may grow, and returns it with the
// reason why it cannot be used, or nil.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, b []byte) ([]byte, *refusal) {
	body := io.Reader(r.Body)
	if r.ContentLength < 0 || r.ContentLength > s.config.MaxBodyBytes {
		// It also makes the server close the connection without a reset that
		// could overtake the answer.
		body = http.MaxBytesReader(innermost(w), r.Body, s.config.MaxBodyBytes)
	}
	b, err := appendAll(b, body)
	if err != nil {
		return b, bodyRefusal(w, err)
	}
	if !utf8.Valid(b) {
		text := fmt.Sprintf("utf-8 encoding error at byte %d in request body", validPrefix(b))
		return b, &refusal{http.StatusBadRequest, text}
	}
	return b, nil
}

// bodyRefusal says what to answer when the body could not be read.
func bodyRefusal(w http.ResponseWriter, err error) *refusal {
	w.Header().Set("Connection", "close")
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return &refusal{http.StatusRequestEntityTooLarge, "request body size exceeds allowed maximum"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{http.StatusRequestTimeout, "request body did not arrive in time\n"}
	default:
		return &refusal{http.StatusBadRequest, "request body could not be read\n"}
	}
}

// innermost unwraps the writers of middleware down to net/http's own, which
// http.MaxBytesReader must see to close the connection properly.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = outer.Unwrap()
	}
}

// appendAll is io.ReadAll into a buffer that is there already.
func appendAll(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// validPrefix is the length of the longest prefix that is UTF-8.
func validPrefix(b []byte) int {
	n := 0
	for n < len(b) {
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size <= 1 {
			break
		}
		n += size
	}
	return n
}
