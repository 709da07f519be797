package rpc

import (
	"errors"
	"fmt"
	"io/fs"

	"solsnap/snapshot"
)

// The error codes of JSON-RPC 2.0 itself.
const (
	CodeParseError     = -32700
	CodeInvalidRequest = -32600
	CodeMethodNotFound = -32601
	CodeInvalidParams  = -32602
	CodeInternalError  = -32603
)

// Those of Agave's error codes that this node has a use for
// (rpc-client-api/src/custom_error.rs, the JSON_RPC_SERVER_ERROR_ constants).
// Clients branch on the numbers: this must not change.
const (
	// CodeNodeUnhealthy: behind or not ready; data is {"numSlotsBehind": n or null}.
	CodeNodeUnhealthy = -32005
	// CodeNoSnapshot: the node has no full archive.
	CodeNoSnapshot = -32008
	// CodeTransactionHistoryNotAvailable: the node keeps no transaction history.
	CodeTransactionHistoryNotAvailable = -32011
	// CodeMinContextSlotNotReached: data is {"contextSlot": n}.
	CodeMinContextSlotNotReached = -32016

	// All of Agave's are between these.
	agaveFirstCode = -32001
	agaveLastCode  = -32021
)

// CodeTooManyRequests is the code of a call refused by the upstream's rate
// limit. It is the HTTP status that a single call is also answered with, as
// the public clusters' endpoints do it. Agave has no such code, and its -32005
// would tell clients that the node is unhealthy.
const CodeTooManyRequests = 429

// Error is a JSON-RPC error. Methods return one to choose the code and the
// exact text that the client sees.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	// Data is left out of the response when nil.
	Data any `json:"data,omitempty"`
}

// Error prints the code and the message.
func (e *Error) Error() string { return fmt.Sprintf("json-rpc error %d: %s", e.Code, e.Message) }

// The errors whose text never varies. They are shared and never modified.
var (
	errParse          = &Error{Code: CodeParseError, Message: "Parse error"}
	errInvalidRequest = &Error{Code: CodeInvalidRequest, Message: "Invalid request"}
	errVersion        = &Error{Code: CodeInvalidRequest, Message: "Unsupported JSON-RPC protocol version"}
	errMethodNotFound = &Error{Code: CodeMethodNotFound, Message: "Method not found"}
	errInternal       = &Error{Code: CodeInternalError, Message: "Internal error"}
	errNoSnapshot     = &Error{Code: CodeNoSnapshot, Message: "No snapshot"}
	errNoHistory      = &Error{Code: CodeTransactionHistoryNotAvailable, Message: "Transaction history is not available from this node"}
	errUnhealthy      = &Error{Code: CodeNodeUnhealthy, Message: "Node is unhealthy", Data: slotsBehind{}}
	errBatchTooLarge  = &Error{Code: CodeInternalError, Message: "Responses of the batch are too large; send it in parts"}
	errTooMany        = &Error{Code: CodeTooManyRequests, Message: "Too many requests"}
)

// slotsBehind is the data of CodeNodeUnhealthy.
type slotsBehind struct {
	NumSlotsBehind *uint64 `json:"numSlotsBehind"`
}

// errBehind is getHealth's answer of a node that lags the cluster by n slots.
func errBehind(n uint64) *Error {
	return &Error{
		Code:    CodeNodeUnhealthy,
		Message: fmt.Sprintf("Node is behind by %d slots", n),
		Data:    slotsBehind{&n},
	}
}

// errContextSlot says that the node's slot is below the request's minContextSlot.
func errContextSlot(slot snapshot.Slot) *Error {
	type data struct {
		ContextSlot snapshot.Slot `json:"contextSlot"`
	}
	return &Error{
		Code:    CodeMinContextSlotNotReached,
		Message: "Minimum context slot has not been reached",
		Data:    data{slot},
	}
}

// errBatchTooLong refuses a batch as a whole. Agave has no such limit; the
// text tells the client what to do about ours.
func errBatchTooLong(calls, limit int) *Error {
	return &Error{
		Code:    CodeInvalidRequest,
		Message: fmt.Sprintf("Batch of %d calls is above the limit of %d; send it in parts", calls, limit),
	}
}

// publicError is the one table from Go errors to JSON-RPC errors. When logged
// is true the cause is not for clients, and the caller must log it.
func publicError(err error) (public *Error, logged bool) {
	if own, ok := errors.AsType[*Error](err); ok {
		return own, false
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errNoSnapshot, false
	default:
		return errInternal, true
	}
}
