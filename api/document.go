package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// writeJSON answers v.
func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own structs of numbers and strings
	}
	writeBody(w, status, contentType, append(body, '\n'))
}

// writeBody answers body with its length, said outright so that HEAD has it
// too; net/http drops the body there.
func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a peer that is gone is no news
}

// document answers bytes that never change.
func document(contentType string, body []byte) http.HandlerFunc {
	etag := etagOf(body)
	return func(w http.ResponseWriter, r *http.Request) {
		if !notModified(w, r, etag) {
			writeBody(w, http.StatusOK, contentType, body)
		}
	}
}

// etagOf is a strong entity tag: the bytes' digest, cut to 128 bits.
func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// notModified sets the validator of the answer, and answers 304 if the client
// has these bytes already (RFC 9110 §13.1.2). "no-cache" lets caches keep the
// answer if they ask each time.
func notModified(w http.ResponseWriter, r *http.Request, etag string) bool {
	h := w.Header()
	h.Set("Etag", etag)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "origin") // by CORS, whether or not there is an Origin now
	if !matchesAny(r.Header.Values("If-None-Match"), etag) {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
}

// matchesAny compares weakly with the tags of If-None-Match. Cutting at commas
// is right although a tag may contain one: no part of a quoted tag can be
// etag, which has quotes only at its ends.
func matchesAny(conditions []string, etag string) bool {
	for _, condition := range conditions {
		for tag := range strings.SplitSeq(condition, ",") {
			tag = strings.Trim(tag, " \t")
			if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
				return true
			}
		}
	}
	return false
}
