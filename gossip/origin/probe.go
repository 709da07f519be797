package origin

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"solsnap/snapshot"
)

// answer is what a probe found.
type answer struct {
	full        facts
	incremental *facts // on full; nil if there is none
	health      string // ok, behind or unknown; "" if it did not say
	server      string // its Server header
	rtts        []time.Duration
}

// facts are of an archive.
type facts struct {
	name   snapshot.Name
	size   uint64
	sha256 [32]byte // zero if the server did not say
}

// probe asks an origin for all that its entry says. It is one deadline, so that who
// drips or falls silent is given up like who does not answer.
func (w *watch) probe(parent context.Context) (*answer, error) {
	timeout := fmt.Errorf("no whole answer in %v", w.cfg.Timeout)
	ctx, cancel := context.WithTimeoutCause(parent, w.cfg.Timeout, timeout)
	defer cancel()
	a := new(answer)
	if err := w.findPair(ctx, a); err != nil {
		return nil, err
	}
	a.health = w.askHealth(ctx)
	return a, nil
}

func (w *watch) findPair(ctx context.Context, a *answer) error {
	full, err := w.find(ctx, a, snapshot.Full)
	if err != nil {
		return err
	}
	a.full = full
	incremental, err := w.find(ctx, a, snapshot.Incremental)
	switch {
	case isMissing(err):
		return nil
	case err != nil:
		return err
	case incremental.name.Base == full.name.Slot: // Firedancer's is the newest on any
		a.incremental = &incremental
	}
	return nil
}

// find learns which archive of a kind an origin leads to, and what it says of it.
func (w *watch) find(ctx context.Context, a *answer, kind snapshot.Kind) (facts, error) {
	alias := "snapshot.tar.bz2"
	if kind == snapshot.Incremental {
		alias = "incremental-snapshot.tar.bz2"
	}
	h, err := w.head(ctx, a, alias)
	if err != nil {
		return facts{}, err
	}
	name, err := w.base.named(h)
	if err == nil && name.Kind != kind {
		err = fmt.Errorf("leads to %v", name)
	}
	if err != nil {
		return facts{}, fmt.Errorf("HEAD %s: %w", w.base.at(alias), err)
	}
	if kind == snapshot.Full {
		a.server = h.header.Get("Server")
	}
	return w.describe(ctx, a, name)
}

// named is which archive the answer to an alias is of. Who answers with the archive
// itself must say its name.
func (b base) named(h *head) (snapshot.Name, error) {
	switch {
	case isRedirect(h.status):
		return b.nameAt(h.header.Get("Location"))
	case h.status != http.StatusOK:
		return snapshot.Name{}, newStatusError(h.status, h.header)
	}
	if location := h.header.Get("Content-Location"); location != "" {
		return b.nameAt(location)
	}
	_, params, err := mime.ParseMediaType(h.header.Get("Content-Disposition"))
	if err != nil || params["filename"] == "" {
		return snapshot.Name{}, fmt.Errorf("answers with an archive but not its name, which a redirect or a Content-Disposition would say")
	}
	name, err := snapshot.ParseName(params["filename"])
	if err != nil {
		return snapshot.Name{}, fmt.Errorf("answers with %q, which is no archive", short(params["filename"]))
	}
	return name, nil
}

// describe asks for the size and the digest of an archive, unless both are known from
// the probe before. A solsnap has the digest later than the archive.
func (w *watch) describe(ctx context.Context, a *answer, name snapshot.Name) (facts, error) {
	awaited := strings.HasPrefix(a.server, "solsnap")
	if f := w.known(name); f != nil && (f.sha256 != [32]byte{} || !awaited) {
		return *f, nil
	}
	h, err := w.head(ctx, a, name.String())
	if err != nil {
		return facts{}, err
	}
	f := facts{name: name, sha256: digestIn(h.header)}
	if f.size, err = h.size(); err != nil {
		return facts{}, fmt.Errorf("HEAD %s: %w", w.base.at(name.String()), err)
	}
	return f, nil
}

// known is what the last good probe said of an archive.
func (w *watch) known(name snapshot.Name) *facts {
	switch {
	case w.last == nil:
	case w.last.full.name == name:
		return &w.last.full
	case w.last.incremental != nil && w.last.incremental.name == name:
		return w.last.incremental
	}
	return nil
}

// askHealth is "" for whatever is none of the three words: not all servers have this.
func (w *watch) askHealth(ctx context.Context) string {
	response, _, err := w.cfg.ask(ctx, http.MethodGet, w.base.at("health"), "")
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusServiceUnavailable {
		return ""
	}
	const longest = 16
	body, err := io.ReadAll(io.LimitReader(response.Body, longest))
	if err != nil {
		return ""
	}
	switch word := strings.TrimSpace(string(body)); word {
	case "ok", "behind", "unknown":
		return word
	}
	return ""
}
