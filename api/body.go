package api

import (
	"net/http"
	"time"
)

// boundBody gives the client until the timeout for the body that its request
// announces. Somebody always waits for it: the handler, or net/http, which
// reads what the handler has left before it writes the head
// (chunkWriter.writeHeader) and once more when the handler has returned.
//
// Nobody lifts the deadline here. net/http does when the body has ended, before
// it watches for a client that goes away (connReader.startBackgroundRead), so a
// long answer is not cut; and it sets its own before the next request
// (conn.serve). Lifted by us it would be missing where it matters most, after
// the handler.
func (e *endpoint) boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(e.bodyTimeout))
	if r.ProtoMajor == 1 && r.Method != http.MethodPost {
		// No handler reads it. An answer after which the connection closes has
		// its head written first, and the wait comes afterwards. HTTP/2 does not
		// wait, and would take this for the end of all its streams.
		w.Header().Set("Connection", "close")
	}
}
