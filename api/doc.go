// Package api is the front door: the route table, the JSON documents under
// /v1, the probes, the mapping from Go errors to HTTP, and the assembled public
// and admin servers with their sockets, TLS, connection cap and drain.
//
// It answers only its own routes. What comes before them (archives, redirects,
// health) is middleware it is given, and what no route matches goes to the
// JSON-RPC handler it is given, on any path.
package api
