package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// requireToken lets only requests with the bearer token through (RFC 6750).
// Digests are compared and not the tokens, so that neither the time nor the
// length tells anything about the secret.
func requireToken(token string, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(bearer(r)))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="solsnap admin"`)
			refuse(w, http.StatusUnauthorized, "a valid token is required")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bearer is the token of a request, or "". The scheme is compared without case
// (RFC 9110 §11.1).
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(token, " ")
}

// requireLocalHost lets only requests through that are addressed to this host
// by address or as localhost. Without it a web page could give its own name
// our loopback address (DNS rebinding) and read everything here through the
// browser of whoever looks at it.
func requireLocalHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(hostOf(r.Host)) {
			refuse(w, http.StatusMisdirectedRequest, "address this server as 127.0.0.1, [::1] or localhost")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostOf is the host of HOST:PORT or of HOST, without the brackets of IPv6.
func hostOf(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(hostPort, "["), "]")
}

// isLoopback reports whether host is a loopback address, or localhost, a name
// that never leaves the host (RFC 6761 §6.3).
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
