// Package middleware holds what a request passes on its way in: observation
// (request ID, access log, metrics, panic recovery), CORS, and Snapshots, which
// answers snapshot, genesis, supply and health paths and hands everything else
// on. It also owns the running downloads: see Transfers.
//
// The path of a large file is the reason for most of its shape. Every
// ResponseWriter here keeps io.ReaderFrom, so that net/http can hand an
// *os.File to sendfile(2).
package middleware
