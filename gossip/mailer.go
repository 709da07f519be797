package gossip

import (
	"log/slog"
	"sync/atomic"
)

// maxWaiting is how many datagrams wait while the kernel takes others. What comes
// on top is dropped: gossip repeats itself, and the link is full.
const maxWaiting = 32_768

// mailer sends what the loop has to say from a goroutine of its own: a system call
// that takes a datagram takes as long as much of what the loop does for one.
type mailer struct {
	conn *conn
	log  *slog.Logger
	bags chan bag // room for one
	// spare are bags to be filled again.
	spare chan bag
	// room tells the loop that there is room for a bag.
	room    chan struct{}
	dropped atomic.Uint64
}

// bag is the contents of an outbox.
type bag struct {
	packets []packet
	arena   []byte
}

func newMailer(c *conn, log *slog.Logger) *mailer {
	return &mailer{conn: c, log: log, bags: make(chan bag, 1), spare: make(chan bag, 3), room: make(chan struct{}, 1)}
}

// run sends until close.
func (m *mailer) run() {
	for b := range m.bags {
		wake(m.room)
		if _, err := m.conn.write(b.packets); err != nil {
			m.log.Debug("gossip: some datagrams not sent", "err", err)
		}
		select {
		case m.spare <- bag{b.packets[:0], b.arena[:0]}:
		default:
		}
	}
}

// take empties the outbox if there is room. Else it stays as it is, and the loop
// is told when there is. It does not block.
func (m *mailer) take(o *outbox) {
	if len(o.packets) == 0 {
		return
	}
	select {
	case m.bags <- bag{o.packets, o.arena}:
		o.packets, o.arena = m.empty()
	default:
		if surplus := len(o.packets) - maxWaiting; surplus > 0 {
			o.packets = o.packets[:maxWaiting]
			m.dropped.Add(uint64(surplus))
		}
	}
}

// close takes what is left, however long that takes, and ends run.
func (m *mailer) close(o *outbox) {
	if len(o.packets) > 0 {
		m.bags <- bag{o.packets, o.arena}
	}
	close(m.bags)
}

func (m *mailer) empty() ([]packet, []byte) {
	select {
	case b := <-m.spare:
		return b.packets, b.arena
	default:
		return nil, nil
	}
}
