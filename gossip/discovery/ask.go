package discovery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"solsnap/gossip/wire"
)

// ErrImpostor means that somebody else answered at the address of a peer.
var ErrImpostor = errors.New("another peer answered")

// ask is one round trip. Its deadline covers all of it.
func (w *Worker) ask(ctx context.Context, to Target, kind Kind, timeout time.Duration, request, response content) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	sent := time.Now()
	b, err := w.cfg.Transport.Exchange(ctx, to, kind, encodeMessage(kind, w.network(), request))
	took := time.Since(sent)
	if err != nil {
		return 0, fmt.Errorf("%v %v: %w", kind, to.Peer, err)
	}
	if len(b) > kind.MaxResponse() {
		return 0, fmt.Errorf("%v %v: %d bytes, want at most %d: %w", kind, to.Peer, len(b), kind.MaxResponse(), ErrMessage)
	}
	if err := decodeMessage(string(b), kind.MaxResponse(), kind, w.network(), response); err != nil {
		return 0, fmt.Errorf("answer of %v: %w", to.Peer, err)
	}
	return took, nil
}

// askPing proves that a peer is there, and takes its entry and the round-trip time.
func (w *Worker) askPing(ctx context.Context, to Target) error {
	var question ping
	_, _ = rand.Read(question.token[:]) // it never fails
	var p pong
	took, err := w.ask(ctx, to, Ping, w.cfg.PingTimeout, &question, &p)
	if err != nil {
		return err
	}
	if err := pongDomain.verify(to.Peer, string(question.token[:])+p.entry, p.signature[:]); err != nil {
		return fmt.Errorf("answer to ping: %w: %w", ErrImpostor, err)
	}
	if err := w.meet(to.Peer, p.entry); err != nil {
		return fmt.Errorf("answer to ping: %w", err)
	}
	w.dir.Sample(to.Peer, OverHTTP, took)
	return nil
}

// meet takes the entry of who answers.
func (w *Worker) meet(peer wire.Pubkey, raw string) error {
	s, err := DecodeEntry([]byte(raw))
	if err != nil {
		return err
	}
	if s.entry.Peer != peer {
		return fmt.Errorf("entry of %v, want that of %v: %w", s.entry.Peer, peer, ErrImpostor)
	}
	if s.entry.Network != w.network() {
		return fmt.Errorf("entry of %v: %w", peer, ErrOtherNetwork)
	}
	w.dir.Upsert(s)
	return nil
}

// maxPasses bounds a sync of catalogs that do not fit a message.
const maxPasses = 8

// askSync exchanges all that differs with a peer, in two round trips unless there is
// more than a message holds.
func (w *Worker) askSync(ctx context.Context, to Target) error {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.SyncTimeout)
	defer cancel()
	for range maxPasses {
		more, err := w.pass(ctx, to)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	w.counts.syncs.Add(1)
	return nil
}

// pass reports whether another one would bring more.
func (w *Worker) pass(ctx context.Context, to Target) (more bool, err error) {
	c := w.dir.Catalog()
	var d difference
	took, err := w.ask(ctx, to, Digest, w.cfg.SyncTimeout, &digest{c.Local().raw, sums(c)}, &d)
	if err != nil {
		return false, err
	}
	if err := w.meet(to.Peer, d.from); err != nil {
		return false, fmt.Errorf("answer to digest: %w", err)
	}
	w.dir.Sample(to.Peer, OverHTTP, took)
	request := w.missing(w.dir.Catalog(), &d)
	if len(request.entries)+len(request.wants) == 0 {
		return false, nil
	}
	var answer exchange
	if _, err := w.ask(ctx, to, Exchange, w.cfg.SyncTimeout, request, &answer); err != nil {
		return false, err
	}
	changed := w.mergeAll(answer.entries)
	return request.more || answer.more && changed > 0, nil
}

// missing is what the other has not, and what it has and we do not.
func (w *Worker) missing(c Catalog, d *difference) *exchange {
	theirs := make(map[wire.Pubkey]Version, len(d.has))
	m := new(exchange)
	for _, l := range d.has {
		theirs[l.peer] = l.version
		ours, ok := c.replicated(l.peer)
		if l.peer != w.dir.self && (!ok || ours.entry.Version.Compare(l.version) < 0) {
			m.wants = append(m.wants, l.peer)
		}
	}
	size := header + 2*4 + 1 + 32*len(m.wants)
	for s := range c.Replicated() {
		known, ok := theirs[s.entry.Peer]
		if d.differs(s.entry.Peer[0]) && (!ok || known.Compare(s.entry.Version) < 0) {
			m.add(s.raw, &size)
		}
	}
	return m
}
