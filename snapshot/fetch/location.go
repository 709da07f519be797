package fetch

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"solsnap/snapshot"
)

// aliases are the paths by which servers lead to their highest archives
// (Agave rpc_service.rs has the first of each, Firedancer both).
var aliases = map[string]bool{
	"snapshot.tar.bz2":             true,
	"snapshot.tar.zst":             true,
	"incremental-snapshot.tar.bz2": true,
	"incremental-snapshot.tar.zst": true,
}

// locate is the URL at which a source is asked for an archive: the source itself
// if that ends like one, and below it otherwise.
func locate(source *url.URL, name snapshot.Name) *url.URL {
	u := *source
	u.Fragment = ""
	if _, err := nameAt(&u); err == nil || isAlias(&u) {
		return &u
	}
	return u.JoinPath(name.String())
}

// follow is where a redirect leads: to an archive or an alias, by HTTP, and not
// out of TLS. All else is refused before it is asked for. The host may be another.
func follow(from *url.URL, location string) (*url.URL, error) {
	to, err := from.Parse(location)
	if err != nil || location == "" {
		return nil, fmt.Errorf("redirect to %q, which is no location", short(location))
	}
	to.Fragment = ""
	if to.Host == "" || to.Scheme != "https" && (to.Scheme != "http" || from.Scheme == "https") {
		return nil, fmt.Errorf("redirect from %s to %q is not followed", from.Scheme, short(location))
	}
	if _, err := nameAt(to); err != nil && !isAlias(to) {
		return nil, &reasoned{ErrName, fmt.Errorf("redirect to %q, which is no archive", short(location))}
	}
	return to, nil
}

func isAlias(u *url.URL) bool {
	return aliases[path.Base(u.EscapedPath())]
}

// nameAt is the name of the archive to which a URL leads. An escaped slash
// separates nothing.
func nameAt(u *url.URL) (snapshot.Name, error) {
	escaped := u.EscapedPath()
	return snapshot.ParseName(escaped[strings.LastIndexByte(escaped, '/')+1:])
}

// beside is the URL of the archive's description on the server that has it at u.
func beside(u *url.URL, name snapshot.Name) *url.URL {
	d := *u
	d.RawQuery = ""
	return d.JoinPath("..", "v1", "snapshots", name.String())
}

// short cuts what a server has sent to what a log line can bear.
func short(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
