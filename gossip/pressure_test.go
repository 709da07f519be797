package gossip

import (
	"net/netip"
	"testing"

	"solsnap/gossip/wire"
)

// TestPressureShedsWhatWillComeAgain: the fuller the queue, the less is verified.
// What is urgent is never shed.
func TestPressureShedsWhatWillComeAgain(t *testing.T) {
	for _, tt := range []struct {
		pressure       float64
		pulled, pushed bool
	}{{0, true, true}, {0.2, true, true}, {0.3, false, true}, {0.6, false, false}, {1, false, false}} {
		n := newNetwork(t, 1)
		m, other := n.join(Full, Limits{}), n.add(Full, Limits{})
		other.enter(n)
		m.meet(other, n.clock)
		m.pressure = tt.pressure
		info, _ := other.sign(other.contactInfo(n.clock))
		values := []wire.Value{info.Value()}
		m.receive(packets(t, other.addr, &wire.PullResponse{Values: values}), n.clock)
		same(t, "pulled", m.table.Has(other.self), tt.pulled)
		m.receive(packets(t, other.addr, &wire.Push{Values: values}), n.clock)
		same(t, "pushed", m.table.Has(other.self), tt.pulled || tt.pushed)
		m.receive(packets(t, other.addr, wire.NewPing(other.key, wire.Token{1})), n.clock)
		same(t, "pings answered", m.stats.PacketsIn[wire.ProtocolPing][Accepted], 1)
	}
}

func packets(t *testing.T, from netip.AddrPort, messages ...wire.Message) (list []packet) {
	t.Helper()
	for _, m := range messages {
		b, err := wire.Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, packet{addr: from, data: b})
	}
	return list
}

// TestPullsAreAsWideAsThereIsTimeFor: a request less for each response that cannot
// be looked at, and more as long as all can.
func TestPullsAreAsWideAsThereIsTimeFor(t *testing.T) {
	m := newNetwork(t, 1).join(Full, Limits{PullFilters: 100})
	for _, want := range []int{8, 16, 32, 64, 100, 100} {
		same(t, "requests", m.widen(), want)
	}
	for _, want := range []int{50, 25, 12, 6, 3, 1, 1} {
		m.shed = true
		same(t, "requests under pressure", m.widen(), want)
	}
	same(t, "requests after it", m.widen(), 2)
}
