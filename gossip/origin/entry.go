package origin

import (
	"slices"
	"strings"
	"time"

	"solsnap/gossip/discovery"
	"solsnap/gossip/wire"
)

// entry is what an answer says. Its version tells when the origin was last heard of;
// when it last had something newer is in the tag advanced.
func (w *watch) entry(a *answer, now time.Time) discovery.Entry {
	return discovery.Entry{
		Network:   w.cfg.Network,
		Peer:      w.key,
		Version:   discovery.Version{Start: uint64(w.started.UnixMilli()), Update: uint64(now.UnixMilli())},
		Addresses: []string{w.base.text},
		Tags:      w.tags(a),
		Streams:   []discovery.Stream{a.stream()},
	}
}

func (a *answer) stream() discovery.Stream {
	s := discovery.Stream{Full: a.full.archive()}
	if a.incremental != nil {
		i := a.incremental.archive()
		s.Incremental = &i
	}
	return s
}

func (f *facts) archive() discovery.Archive {
	return discovery.Archive{Slot: uint64(f.name.Slot), Hash: wire.Hash(f.name.Hash), Size: f.size, SHA256: f.sha256}
}

// tags are, each only while it is known:
//
//	advanced=2026-11-25T04:38:11Z  when its slot was last seen to rise above all before
//	health=ok                      or behind, or unknown, as it says itself
//	server=nginx/1.28.0            what it calls itself
func (w *watch) tags(a *answer) []string {
	var tags []string
	if !w.advanced.IsZero() {
		tags = append(tags, "advanced="+w.advanced.UTC().Format(time.RFC3339))
	}
	if a.health != "" {
		tags = append(tags, "health="+a.health)
	}
	if server := product(a.server); server != "" {
		tags = append(tags, "server="+server)
	}
	slices.Sort(tags)
	return tags
}

// product is the first word of a Server header, as much of it as is printable and
// fits into a tag.
func product(server string) string {
	const most = 48
	first, _, _ := strings.Cut(strings.TrimSpace(server), " ")
	if end := strings.IndexFunc(first, func(r rune) bool { return r <= ' ' || r > '~' }); end >= 0 {
		first = first[:end]
	}
	return first[:min(len(first), most)]
}
