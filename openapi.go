// Package solsnap holds the contract of the HTTP interface. The program is in
// cmd/solsnap.
package solsnap

import _ "embed"

// OpenAPI is openapi.yaml: the description, in OpenAPI 3.1, of every route of
// the public and admin servers. It is written by hand, served at /openapi.yaml,
// and held against the servers by a test. It must not be modified.
//
//go:embed openapi.yaml
var OpenAPI []byte
