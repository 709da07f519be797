package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"
)

// upstreamResult is how a call to the upstream ended, as a metric's label.
type upstreamResult string

const (
	resultOK       upstreamResult = "ok"        // an answer, maybe an error of JSON-RPC
	resultTimeout  upstreamResult = "timeout"   // no answer in time
	resultFailed   upstreamResult = "transport" // no connection, or it broke
	resultStatus   upstreamResult = "status"    // HTTP 5xx
	resultGarbage  upstreamResult = "garbage"   // not a JSON-RPC response to our call
	resultRejected upstreamResult = "rejected"  // HTTP 3xx or 4xx
	resultLimited  upstreamResult = "limited"   // HTTP 429
	resultTooLarge upstreamResult = "too_large"
	resultBusy     upstreamResult = "busy"     // no slot in time
	resultMemory   upstreamResult = "memory"   // no room for the response
	resultRefused  upstreamResult = "refused"  // breaker open
	resultCanceled upstreamResult = "canceled" // the client left
)

// upstreamError is why the upstream cannot answer. Its cause is never shown to
// clients, and holds no URL.
type upstreamError struct {
	result upstreamResult
	cause  error
}

// Error prints the cause.
func (e *upstreamError) Error() string { return "upstream: " + e.cause.Error() }

// Unwrap returns the cause.
func (e *upstreamError) Unwrap() error { return e.cause }

func resultOf(err error) upstreamResult {
	if err == nil {
		return resultOK
	}
	if limited := (*limitedError)(nil); errors.As(err, &limited) {
		return resultLimited
	}
	if own := (*upstreamError)(nil); errors.As(err, &own) {
		return own.result
	}
	return resultFailed
}

// verdictOf tells the breaker what a call says about the upstream. One that is
// alive but does not like this request is as good as a success: clients must
// not be able to make us give up on it.
func verdictOf(err error) verdict {
	switch resultOf(err) {
	case resultOK, resultRejected, resultLimited, resultTooLarge:
		return succeeded
	case resultTimeout, resultFailed, resultStatus, resultGarbage:
		return failed
	default:
		return abandoned
	}
}

// The one header that means something to Agave's JSON-RPC: no look-up in long-term
// storage for this request (rpc/src/rpc_service.rs).
const (
	bigtableHeader = "X-Bigtable"
	bigtableOff    = "disabled"
)

// exchange sends one call and reads its response.
func (u *Upstream) exchange(ctx context.Context, c upstreamCall) (outcome, error) {
	id := strconv.FormatUint(u.ids.Add(1), 10)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.config.URL, bytes.NewReader(upstreamBody(id, c.method, c.params)))
	if err != nil {
		return outcome{}, &upstreamError{resultFailed, withoutURL(err)}
	}
	request.Header.Set("Content-Type", "application/json")
	if c.noBigtable {
		request.Header.Set(bigtableHeader, bigtableOff)
	}
	response, err := u.config.Client.Do(request)
	if err != nil {
		return outcome{}, transportError(ctx, err)
	}
	defer response.Body.Close()
	if err := checkStatus(response); err != nil {
		return outcome{}, err
	}
	body := &holding{memory: u.memory, client: c.client}
	if c.own {
		body.memory = u.ownMemory
	}
	err = body.read(ctx, response)
	var answer outcome
	if err == nil {
		answer, err = parseResponse(body.text, id)
	}
	if err != nil {
		body.free()
		return outcome{}, err
	}
	answer.held = body
	return answer, nil
}

// upstreamBody copies params: the transport may still read the body when the
// call has returned and the client's buffer is in other hands.
func upstreamBody(id, method string, params []byte) []byte {
	b := append([]byte(`{"id":`), id...)
	b = append(append(b, `,"jsonrpc":"2.0","method":"`...), method...)
	b = append(b, `","params":`...)
	if params == nil {
		params = null
	}
	return append(append(b, params...), '}')
}

func transportError(ctx context.Context, err error) error {
	result := resultFailed
	if ctx.Err() != nil {
		result = resultTimeout
	}
	return &upstreamError{result, withoutURL(err)}
}

// withoutURL strips the URL that net/http puts into its errors: its path and
// query may hold an access key.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// maxUpstreamWait is the longest Retry-After believed: with our own jitter on
// top it stays below the 120 s from which on Agave's client ignores it.
const maxUpstreamWait = 117 * time.Second

func checkStatus(response *http.Response) error {
	switch code := response.StatusCode; {
	case code == http.StatusOK:
		return nil
	case code == http.StatusTooManyRequests:
		seconds, _ := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 16)
		return &limitedError{min(time.Duration(seconds)*time.Second, maxUpstreamWait)}
	case code >= 500:
		return &upstreamError{resultStatus, fmt.Errorf("HTTP status %d", code)}
	default:
		return &upstreamError{resultRejected, fmt.Errorf("HTTP status %d", code)}
	}
}

var errGarbage = errors.New("not a JSON-RPC response to the call")

// parseResponse cuts result or error out of a response. The whole of it has
// been checked to be JSON, so that it can be passed on as it is.
func parseResponse(body []byte, id string) (outcome, error) {
	var answer outcome
	var gotID string
	s := scanner{text: body}
	s.enter('{')
	for first := true; s.more('}', first); first = false {
		switch name := unquote(s.key()); string(name) {
		case "result":
			answer.result = s.value()
		case "error":
			answer.rawErr = s.value()
		case "id":
			gotID = string(s.value())
		default:
			s.value()
		}
	}
	s.end()
	if bytes.Equal(answer.rawErr, null) {
		answer.rawErr = nil
	}
	if s.bad || !utf8.Valid(body) || gotID != id || (answer.result == nil) == (answer.rawErr == nil) {
		return outcome{}, &upstreamError{resultGarbage, errGarbage}
	}
	return answer, answer.readError()
}

// readError checks the upstream's error and notes its code.
func (o *outcome) readError() error {
	if o.rawErr == nil {
		return nil
	}
	var e struct {
		Code    *int    `json:"code"`
		Message *string `json:"message"`
	}
	if err := json.Unmarshal(o.rawErr, &e); err != nil || e.Code == nil || e.Message == nil {
		return &upstreamError{resultGarbage, errGarbage}
	}
	o.err = &Error{Code: *e.Code, Message: *e.Message}
	return nil
}
