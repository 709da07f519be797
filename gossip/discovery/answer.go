package discovery

import (
	"fmt"
	"strings"
	"time"

	"solsnap/gossip/wire"
)

// Handle answers a request of a peer. It does not block, and keeps nothing of the
// request. Errors are ErrMessage, ErrOtherNetwork and ErrStopped.
func (w *Worker) Handle(request []byte) ([]byte, error) {
	if w.leaving.Load() {
		return nil, ErrStopped
	}
	kind, err := kindOf(request)
	if err != nil {
		return nil, err
	}
	if len(request) > kind.MaxRequest() {
		return nil, fmt.Errorf("%v: %d bytes, want at most %d: %w", kind, len(request), kind.MaxRequest(), ErrMessage)
	}
	response, err := w.answer(kind, string(request))
	if err != nil {
		w.counts.malformed.Add(1)
		return nil, err
	}
	return encodeMessage(kind, w.network(), response), nil
}

func (w *Worker) answer(kind Kind, request string) (content, error) {
	read := func(m content) error {
		return decodeMessage(request, kind.MaxRequest(), kind, w.network(), m)
	}
	switch kind {
	case Announce:
		var m announcement
		if err := read(&m); err != nil {
			return nil, err
		}
		w.hear(m.items)
		return nothing{}, nil
	case Digest:
		var m digest
		if err := read(&m); err != nil {
			return nil, err
		}
		return w.compare(&m), nil
	case Exchange:
		var m exchange
		if err := read(&m); err != nil {
			return nil, err
		}
		return w.trade(&m), nil
	default:
		var m ping
		if err := read(&m); err != nil {
			return nil, err
		}
		return w.pong(&m), nil
	}
}

func (w *Worker) network() wire.Hash { return w.dir.cfg.Network }

// hear takes announced entries and departures, and hands on those that are news.
func (w *Worker) hear(items []item) {
	for _, i := range items {
		i.raw = strings.Clone(i.raw) // not the whole message
		from, news := w.learn(i)
		if !news || i.hops == 0 {
			continue
		}
		i.hops = min(i.hops, w.cfg.MaxHops) - 1
		select {
		case w.relays <- relay{i, from}:
		default:
			w.counts.dropped.Add(1)
			w.overflowed.Store(true)
		}
	}
}

// learn reports whether an item is news, and of whom.
func (w *Worker) learn(i item) (of wire.Pubkey, news bool) {
	if i.departed {
		s, err := DecodeDeparture([]byte(i.raw))
		if err != nil {
			w.counts.invalid.Add(1)
			return of, false
		}
		return s.departure.Peer, w.metered(s.departure.Peer, func() bool { return w.dir.Depart(s) })
	}
	u, err := parseEntry(i.raw)
	if err != nil {
		w.counts.invalid.Add(1)
		return of, false
	}
	if drifts(u.entry.Version.Update, w.dir.now(), w.dir.cfg.MaxTimeDrift) {
		w.counts.drifted.Add(1)
		return of, false
	}
	return u.entry.Peer, w.metered(u.entry.Peer, func() bool {
		outcome, err := w.merge(u)
		if err != nil {
			w.counts.invalid.Add(1)
		}
		return outcome.Changed()
	})
}

// metered takes news of a peer unless there was too much.
func (w *Worker) metered(peer wire.Pubkey, take func() bool) (news bool) {
	if w.meter.full(peer, time.Now()) {
		w.counts.limited.Add(1)
		return false
	}
	news = take()
	if news {
		w.meter.count(peer)
	}
	return news
}

// merge verifies an entry, unless it is no news whoever signed it. The error is
// ErrSignature.
func (w *Worker) merge(u unverified) (Outcome, error) {
	if !w.dir.wants(u.entry) {
		return Rejected, nil
	}
	s, err := u.verify()
	if err != nil {
		return Rejected, err
	}
	return w.dir.Upsert(s), nil
}

// maxInvalid is after how many invalid entries the rest of a message is not looked at.
// An honest sender verified all of them; a hostile one wants our processor.
const maxInvalid = 64

// mergeAll takes what is good of a message, in its order.
func (w *Worker) mergeAll(entries []string) (changed int) {
	invalid := 0
	for _, raw := range entries {
		u, err := parseEntry(strings.Clone(raw)) // not the whole message
		var outcome Outcome
		if err == nil {
			outcome, err = w.merge(u)
		}
		if outcome.Changed() {
			changed++
		}
		if err == nil {
			continue
		}
		w.counts.invalid.Add(1)
		if invalid++; invalid == maxInvalid {
			break
		}
	}
	return changed
}

// compare answers the first round trip of a sync. The entry of who asks is taken
// before, so that it need not be exchanged.
func (w *Worker) compare(m *digest) *difference {
	w.mergeAll([]string{m.from})
	c := w.dir.Catalog()
	d := &difference{from: c.Local().raw}
	ours := sums(c)
	for i := range ours {
		if ours[i] != m.sums[i] {
			d.buckets[i/8] |= 1 << (i % 8)
		}
	}
	for s := range c.Replicated() {
		if d.differs(s.entry.Peer[0]) && len(d.has) < maxListed {
			d.has = append(d.has, listed{s.entry.Peer, s.entry.Version})
		}
	}
	return d
}

// sums are the digest of a catalog.
func sums(c Catalog) (s [buckets]uint64) {
	for e := range c.Replicated() {
		s[e.entry.Peer[0]] ^= e.id
	}
	return s
}

// trade answers the second round trip: with what was wanted as it was before the
// entries that came are merged.
func (w *Worker) trade(m *exchange) *exchange {
	c := w.dir.Catalog()
	answer, size := new(exchange), header+2*4+1
	for _, peer := range m.wants {
		if s, ok := c.replicated(peer); ok {
			answer.add(s.raw, &size)
		}
	}
	w.mergeAll(m.entries)
	return answer
}

func (w *Worker) pong(m *ping) *pong {
	entry := w.dir.Local().raw
	p := &pong{entry: entry}
	copy(p.signature[:], pongDomain.sign(w.dir.cfg.Key, string(m.token[:])+entry))
	return p
}
