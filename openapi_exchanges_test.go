package solsnap_test

import (
	"net/http"
	"strings"
)

// fields are the header of a request.
type fields = map[string]string

// exchanges produce every response that openapi.yaml describes.
func exchanges() []exchange {
	all := bootstrap()
	for _, route := range []string{
		"/snapshot-{slot}-{hash}.{format}", "/incremental-snapshot-{base}-{slot}-{hash}.{format}", "/genesis.tar.bz2",
	} {
		all = append(all, files(route)...)
	}
	lz4 := exchange{route: "GET /snapshot-{slot}-{hash}.{format}", target: "/" + olderName.String(), status: http.StatusOK}
	all = append(all, lz4)
	all = append(all, calls()...)
	all = append(all, own()...)
	for _, route := range []string{"/metrics", "/admin/v1/status", "/admin/v1/gossip", "/debug/pprof/", "/debug/pprof/{profile}"} {
		all = append(all, operator(route)...)
	}
	return append(all,
		exchange{route: "GET /admin/v1/gossip", at: (*house).atSilent, status: http.StatusNotFound},
		exchange{route: "GET /debug/pprof/{profile}", target: "/debug/pprof/none", at: (*house).atOpen, status: http.StatusNotFound})
}

// targetOf is a path that the template of a route stands for.
func targetOf(route string) string {
	switch {
	case strings.HasPrefix(route, "/snapshot-{"):
		return "/" + fullName.String()
	case strings.HasPrefix(route, "/incremental-snapshot-{"):
		return "/" + incrementalName.String()
	case strings.HasPrefix(route, "/v1/snapshots/{"):
		return "/v1/snapshots/" + fullName.String()
	case strings.HasPrefix(route, "/debug/pprof/{"):
		return "/debug/pprof/goroutine"
	default:
		return route
	}
}

// others are the methods that a public path answers without doing anything.
func others(route string) []exchange {
	return []exchange{
		{route: "OPTIONS " + route, target: targetOf(route), status: http.StatusNoContent, header: fields{"Origin": "https://page.example"}},
		{route: "POST " + route, target: targetOf(route), status: http.StatusMethodNotAllowed},
	}
}

// bootstrap are the redirects and the plain words of Agave.
func bootstrap() []exchange {
	var all []exchange
	for _, route := range []string{
		"/snapshot.tar.bz2", "/snapshot.tar.zst", "/incremental-snapshot.tar.bz2", "/incremental-snapshot.tar.zst",
	} {
		all = append(all, others(route)...)
		all = append(all,
			exchange{route: "GET " + route, status: http.StatusSeeOther},
			exchange{route: "GET " + route, status: http.StatusNotFound, at: (*house).atBare})
	}
	for _, route := range []string{"/v0/total-supply", "/v0/circulating-supply"} {
		all = append(all, others(route)...)
		all = append(all,
			exchange{route: "GET " + route, status: http.StatusOK},
			exchange{route: "GET " + route, status: http.StatusNotFound, at: (*house).atBare})
	}
	return append(append(all, others("/health")...),
		exchange{route: "GET /health", status: http.StatusOK},
		exchange{route: "GET /health", status: http.StatusServiceUnavailable, at: (*house).atBare})
}

// files are the answers of a path with a file behind it. HEAD ignores Range.
func files(route string) []exchange {
	target, get := targetOf(route), "GET "+route
	all := append(others(route),
		exchange{route: get, target: target, status: http.StatusOK},
		exchange{route: get, target: target, status: http.StatusPartialContent, header: fields{"Range": "bytes=2-5"}, alone: true},
		exchange{route: get, target: target, status: http.StatusPartialContent, header: fields{"Range": "bytes=0-0,2-3"}, alone: true},
		exchange{route: get, target: target, status: http.StatusNotModified, header: fields{"If-None-Match": "*"}},
		exchange{route: get, target: target, status: http.StatusNotFound, at: (*house).atBare},
		exchange{route: get, target: target, status: http.StatusPreconditionFailed, header: fields{"If-Match": `"other"`}},
		exchange{route: get, target: target, status: http.StatusOK, header: fields{"Range": "bytes=19-10"}},
		exchange{route: get, target: target, status: http.StatusRequestedRangeNotSatisfiable, header: fields{"Range": "bytes=999999999-"}, alone: true},
	)
	if target == route {
		return all // genesis, which needs no slot
	}
	return append(all, exchange{route: get, target: target, at: (*house).atFull, status: http.StatusServiceUnavailable, alone: true})
}

// calls are those of JSON-RPC.
func calls() []exchange {
	const post, call = "POST /", `{"jsonrpc":"2.0","id":18446744073709551615,"method":"getSlot","params":null}`
	const forwarded = `{"jsonrpc":"2.0","id":1,"method":"getBalance","params":[]}`
	json := fields{"Content-Type": "application/json"}
	return []exchange{
		{route: post, status: http.StatusOK, header: json, body: call},
		{route: post, status: http.StatusOK, header: json, body: "[" + call + `,{"jsonrpc":"2.0","id":"a","method":"getBlock"}]`},
		{route: post, status: http.StatusOK, header: json, body: call, at: (*house).atBare},
		{route: post, status: http.StatusBadRequest, header: json, body: "\xff"},
		{route: post, status: http.StatusRequestTimeout, header: json, slow: true, at: (*house).atBare},
		{route: post, status: http.StatusRequestEntityTooLarge, header: json, body: strings.Repeat(" ", 51201)},
		{route: post, status: http.StatusUnsupportedMediaType, body: call},
		{route: post, status: http.StatusTooManyRequests, header: json, body: forwarded, at: (*house).atLimited},
		{route: post, status: http.StatusOK, header: json, body: "[" + forwarded + "]", at: (*house).atLimited},
		{route: "OPTIONS /", status: http.StatusOK},
		{route: "GET /", status: http.StatusMethodNotAllowed},
	}
}

// own are those of our own routes.
func own() []exchange {
	var all []exchange
	for _, route := range []string{"/v1/snapshots", "/v1/snapshots/{name}", "/openapi.yaml", "/livez", "/readyz"} {
		all = append(all, others(route)...)
		all = append(all, exchange{route: "GET " + route, target: targetOf(route), status: http.StatusOK})
	}
	for _, route := range []string{"/v1/snapshots", "/v1/snapshots/{name}", "/openapi.yaml"} {
		all = append(all, exchange{route: "GET " + route, target: targetOf(route), status: http.StatusNotModified, header: fields{"If-None-Match": "*"}})
	}
	return append(all,
		exchange{route: "GET /v1/snapshots", status: http.StatusOK, at: (*house).atBare},
		exchange{route: "GET /v1/snapshots/{name}", target: "/v1/snapshots/" + incrementalName.String(), status: http.StatusOK},
		exchange{route: "GET /v1/snapshots/{name}", target: "/v1/snapshots/x", status: http.StatusNotFound},
		exchange{route: "GET /readyz", status: http.StatusServiceUnavailable, at: (*house).atBare},
	)
}

// operator are those of a route of the admin server. What they show changes
// from one to the next, so HEAD is not compared.
func operator(route string) []exchange {
	target, get := targetOf(route), "GET "+route
	return []exchange{
		{route: get, target: target, at: (*house).atOpen, status: http.StatusOK, alone: true},
		{route: get, target: target, at: (*house).atGuarded, status: http.StatusOK, header: fields{"Authorization": "Bearer " + token}, alone: true},
		{route: get, target: target, at: (*house).atGuarded, status: http.StatusUnauthorized},
		{route: get, target: target, at: (*house).atOpen, status: http.StatusMisdirectedRequest, header: fields{"Host": "rebound.example"}},
		{route: "POST " + route, target: target, at: (*house).atOpen, status: http.StatusMethodNotAllowed},
		{route: "POST " + route, target: target, at: (*house).atGuarded, status: http.StatusUnauthorized},
		{route: "POST " + route, target: target, at: (*house).atOpen, status: http.StatusMisdirectedRequest, header: fields{"Host": "rebound.example"}},
	}
}
