package middleware

import (
	"net/http"
	"strings"
)

// exposedHeaders are those that a script on another origin may read.
const exposedHeaders = "Accept-Ranges, Content-Range, ETag, Location, Repr-Digest, Retry-After, X-Request-Id"

var varyOrigin = []string{"origin"}

// CORS lets pages of any origin use next, as Agave does for JSON-RPC
// (jsonrpc-server-utils 18, any origin, max-age 86400): the origin is echoed in
// lower case, not "*", and nothing is added for a page of our own host. Unlike
// Agave it admits Origin: null. allow is the list of methods of next.
func CORS(allow string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			allowOrigin(w.Header(), r, allow)
			next.ServeHTTP(w, r)
		})
	}
}

// allowOrigin adds the CORS headers of one response.
func allowOrigin(h http.Header, r *http.Request, allow string) {
	origins := r.Header["Origin"]
	if len(origins) == 0 || sameHost(origins[0], r.Host) {
		return
	}
	h["Vary"] = varyOrigin
	h.Set("Access-Control-Allow-Methods", allow)
	h.Set("Access-Control-Allow-Origin", strings.ToLower(origins[0]))
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Access-Control-Expose-Headers", exposedHeaders)
	if requested := r.Header["Access-Control-Request-Headers"]; len(requested) > 0 {
		h["Access-Control-Allow-Headers"] = []string{strings.Join(requested, ", ")}
	}
}

func sameHost(origin, host string) bool {
	_, originHost, ok := strings.Cut(origin, "://")
	return ok && strings.EqualFold(originHost, host)
}
