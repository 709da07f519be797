// Package rpc answers Solana's JSON-RPC 2.0 as Agave does: the same transport
// rules, error codes, messages and member order, so that a client which works
// against a validator cannot tell the difference where both know the answer.
//
// A request passes through four hands. The front (Server.ServeHTTP) checks
// method, content type and body; the scanner cuts the body into calls; each
// call is dispatched, by gorilla/rpc to a registered method or by an Upstream
// to a live validator; the encoder writes the responses in request order.
//
// Nothing in a request is trusted: bodies, batches, nesting, goroutines,
// upstream calls and upstream responses all have a limit with a name.
package rpc
