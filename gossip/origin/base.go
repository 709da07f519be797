package origin

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"solsnap/gossip/wire"
	"solsnap/snapshot"
)

// Key stands for an origin in the directory, where others have their public keys: it
// has none. It is SHA-256 of "solsnap origin", a zero byte and the URL as the entry
// has it. The error is about the URL; see Config.URLs.
func Key(url string) (wire.Pubkey, error) {
	b, err := parseBase(url)
	if err != nil {
		return wire.Pubkey{}, fmt.Errorf("origin: %w", err)
	}
	return b.key(), nil
}

// base is the URL of an origin.
type base struct {
	url  *url.URL
	text string // as it is in an entry; ends without a slash
}

func (b base) key() wire.Pubkey { return sha256.Sum256([]byte("solsnap origin\x00" + b.text)) }

// parseBase reads what an operator wrote. What it accepts, an entry can hold.
func parseBase(text string) (base, error) {
	const longest = 256
	u, err := url.Parse(strings.TrimRight(text, "/"))
	switch {
	case err != nil:
		return base{}, err // names the URL
	case u.User != nil:
		return base{}, fmt.Errorf("%q: want no user in it, for all can read the directory", u.Redacted())
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return base{}, fmt.Errorf("%q: want http://HOST or https://HOST", text)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return base{}, fmt.Errorf("%q: want no query and no fragment", text)
	}
	u.Host = strings.ToLower(u.Host)
	b := base{u, u.String()}
	again, err := url.Parse(b.text)
	switch {
	case err != nil || again.String() != b.text || again.Host != u.Host || !printable(b.text):
		return base{}, fmt.Errorf("%q: want it in plain ASCII", text)
	case len(b.text) > longest:
		return base{}, fmt.Errorf("%q: want at most %d characters", short(text), longest)
	}
	return b, nil
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// at is the URL of what an origin has by a name, which must need no escapes.
func (b base) at(name string) string { return b.text + "/" + name }

// nameAt is which archive a location names: one right below the base, on the same
// host. That is all that is taken from it; of a relative one not even the slash
// matters.
func (b base) nameAt(location string) (snapshot.Name, error) {
	u, err := url.Parse(location)
	if err != nil || location == "" {
		return snapshot.Name{}, fmt.Errorf("leads to %q, which is no location", short(location))
	}
	if elsewhere := u.Host != "" && !b.hosts(u); elsewhere || u.Scheme != "" && u.Scheme != b.url.Scheme {
		return snapshot.Name{}, fmt.Errorf("leads to another server, %q: name that one as origin if it is meant", short(location))
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return snapshot.Name{}, fmt.Errorf("leads to %q, want a plain path", short(location))
	}
	path := u.EscapedPath()
	if below, ok := strings.CutPrefix(path, b.url.EscapedPath()+"/"); ok {
		path = below
	}
	name, err := snapshot.ParseName(strings.TrimPrefix(path, "/"))
	if err != nil {
		return snapshot.Name{}, fmt.Errorf("leads to %q, which is no archive", short(location))
	}
	return name, nil
}

// hosts reports whether a URL is of the same server.
func (b base) hosts(u *url.URL) bool {
	port := func(port string) string {
		if port == "" && b.url.Scheme == "https" {
			return "443"
		}
		if port == "" {
			return "80"
		}
		return port
	}
	return strings.EqualFold(u.Hostname(), b.url.Hostname()) && port(u.Port()) == port(b.url.Port())
}

// short cuts what a server has sent to what a log line can bear.
func short(s string) string { return cut(s, 100) }

func cut(s string, most int) string {
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// parseBases reads all, each once.
func parseBases(texts []string) ([]base, error) {
	if len(texts) > MaxURLs {
		return nil, fmt.Errorf("origin: %d URLs, want at most %d", len(texts), MaxURLs)
	}
	seen := make(map[string]bool)
	var all []base
	var errs []error
	for _, text := range texts {
		b, err := parseBase(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("origin: %w", err))
			continue
		}
		if !seen[b.text] {
			seen[b.text] = true
			all = append(all, b)
		}
	}
	return all, errors.Join(errs...)
}
