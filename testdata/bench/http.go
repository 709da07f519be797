//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// maxHead is the longest response head in bytes that is understood; ours are
// shorter by contract.
const maxHead = 4096

// rpcCall is the JSON-RPC call of the rows of small requests.
const rpcCall = `{"jsonrpc":"2.0","id":1,"method":"getHighestSnapshotSlot"}`

// request is what a client sends, and what must come back.
type request struct {
	text   []byte
	line   string // the first of the response, up to its status
	length int64  // of the body; -1 for any
}

// get is the text of a GET; ranges is the Range header, if any.
func get(host, path, ranges string) []byte {
	if ranges != "" {
		ranges = "Range: " + ranges + "\r\n"
	}
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + ranges + "\r\n")
}

// getRange asks for length bytes of a file from offset on.
func getRange(host, path string, offset, length int64) request {
	text := get(host, path, fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	return request{text: text, line: "HTTP/1.1 206", length: length}
}

// getAll asks for a whole file.
func getAll(host, path string, size int64) request {
	return request{text: get(host, path, ""), line: "HTTP/1.1 200", length: size}
}

// post is the JSON-RPC call.
func post(host string) request {
	text := fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		host, len(rpcCall), rpcCall)
	return request{text: []byte(text), line: "HTTP/1.1 200", length: -1}
}

// check parses the response at the start of buf. It returns the length of the
// head, 0 when it is not whole yet, and that of the body.
func (r request) check(buf []byte) (head int, body int64, err error) {
	end := bytes.Index(buf, []byte("\r\n\r\n"))
	if end < 0 {
		if len(buf) >= maxHead {
			return 0, 0, fmt.Errorf("response head is longer than %d bytes", maxHead)
		}
		return 0, 0, nil
	}
	if status := string(buf[:min(end, len("HTTP/1.1 200"))]); status != r.line {
		return 0, 0, fmt.Errorf("got %q, want %q", status, r.line)
	}
	body, err = contentLength(buf[:end])
	if err == nil && r.length >= 0 && body != r.length {
		err = fmt.Errorf("got content-length %d, want %d", body, r.length)
	}
	return end + 4, body, err
}

// contentLength looks for the field in a head. It is asked for every response,
// so it allocates nothing.
func contentLength(head []byte) (int64, error) {
	for line := range bytes.Lines(head) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("content-length")) {
			return strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
		}
	}
	return 0, errors.New("response has no content-length")
}
