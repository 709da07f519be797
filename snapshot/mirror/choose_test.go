package mirror

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"solsnap/gossip/discovery"
	"solsnap/gossip/wire"
	"solsnap/snapshot"
)

func full(slot snapshot.Slot, hash byte) snapshot.Name {
	return snapshot.Name{Slot: slot, Hash: snapshot.Hash{hash}}
}

func on(base, slot snapshot.Slot, hash byte) snapshot.Name {
	return snapshot.Name{Kind: snapshot.Incremental, Base: base, Slot: slot, Hash: snapshot.Hash{hash}}
}

// server is an offer of a full archive, and of an incremental if there is a second
// name. What it is measured at comes from edit.
func server(id byte, names ...snapshot.Name) Offer {
	o := Offer{Peer: wire.Pubkey{id}, Source: discovery.Gossip, URL: fmt.Sprintf("http://192.0.2.%d:8899", id), Full: Offered{Name: names[0]}}
	if len(names) > 1 {
		o.Incremental = &Offered{Name: names[1]}
	}
	return o
}

func (o Offer) at(speed int64) Offer          { o.Speed = speed; return o }
func (o Offer) near(rtt time.Duration) Offer  { o.RTT = rtt; return o }
func (o Offer) from(s discovery.Source) Offer { o.Source = s; return o }
func (o Offer) sized(full, incremental int64) Offer {
	o.Full.Size = full
	if o.Incremental != nil {
		i := *o.Incremental
		i.Size = incremental
		o.Incremental = &i
	}
	return o
}

func stream(names ...snapshot.Name) *discovery.Stream {
	s := &discovery.Stream{Full: discovery.Archive{Slot: uint64(names[0].Slot), Hash: wire.Hash(names[0].Hash)}}
	if len(names) > 1 {
		s.Incremental = &discovery.Archive{Slot: uint64(names[1].Slot), Hash: wire.Hash(names[1].Hash)}
	}
	return s
}

var anyone = NewTrust(TrustConfig{})

// text is a choice for comparing: the plans by slots and the last byte of the
// sources' addresses, and the refusals.
func (c Choice) text() string {
	var b strings.Builder
	step := func(s *Step) {
		fmt.Fprintf(&b, "%d", s.Name.Slot)
		if s.Have {
			b.WriteString("!")
		}
		for _, p := range s.Sources {
			b.WriteString("." + string('0'+rune(p.Peer[0])))
		}
	}
	for i, p := range c.Plans {
		if i > 0 {
			b.WriteString(" ")
		}
		step(&p.Full)
		if p.Incremental != nil {
			b.WriteString("+")
			step(p.Incremental)
		}
	}
	for _, r := range c.Refused {
		fmt.Fprintf(&b, " %d:%d=%v", r.Peer[0], r.Archive.Slot, r.Reason)
	}
	return b.String()
}

func TestChoose(t *testing.T) {
	const mib = 1 << 20
	slot := func(s snapshot.Slot) *snapshot.Slot { return &s }
	broken := errors.New("it is broken")
	for name, tt := range map[string]struct {
		request Request
		want    string
	}{
		"nothing": {Request{}, ""},
		"the newest of equals": {Request{Offers: []Offer{server(1, full(100, 1), on(100, 150, 1)), server(2, full(100, 1), on(100, 190, 2))}},
			"100.1.2+190.2 100.1.2+150.1"},
		"the nearest of equals": {Request{Offers: []Offer{server(1, full(100, 1)).near(90 * time.Millisecond), server(2, full(100, 1)).near(80 * time.Millisecond), server(3, full(100, 1))}},
			"100.2.1.3"},
		"a measured one before a guess": {Request{Offers: []Offer{server(1, full(100, 1)).near(80 * time.Millisecond), server(2, full(100, 1)).near(200 * time.Millisecond).at(500 * mib)}},
			"100.2.1"},
		"fast and older before slow and newer": {Request{Offers: []Offer{
			server(1, full(100_000, 1), on(100_000, 100_500, 1)).at(10*mib).sized(100<<30, 1<<30),
			server(2, full(100_000, 2), on(100_000, 100_000+40, 2)).at(500*mib).sized(100<<30, 1<<30)}},
			"100000.2+100040.2 100000.1+100500.1"},
		"newer before an hour of replay": {Request{Offers: []Offer{
			server(1, full(100_000, 1)).at(100*mib).sized(100<<30, 0), server(2, full(80_000, 2)).at(110*mib).sized(100<<30, 0)}},
			"100000.1 80000.2"},
		"an archive on the disk": {Request{Have: []snapshot.Name{full(100_000, 1)}, Offers: []Offer{
			server(1, full(100_000, 1), on(100_000, 101_000, 1)), server(2, full(101_000, 2))}},
			"100000!.1+101000.1 101000.2"},
		"an archive on the disk that is very old": {Request{Have: []snapshot.Name{full(100_000, 1)}, Offers: []Offer{server(2, full(900_000, 2))}},
			"900000.2 100000!"},
		"a pair on the disk": {Request{Have: []snapshot.Name{full(100, 1), on(100, 150, 1)}, Offers: []Offer{server(1, full(100, 1), on(100, 150, 1))}},
			"100!.1+150!.1"},
		"on one full archive": {Request{Base: &snapshot.Name{Slot: 100, Hash: snapshot.Hash{1}}, Offers: []Offer{server(1, full(100, 1), on(100, 150, 1)), server(2, full(200, 1))}},
			"100.1+150.1"},
		"an incremental that does not fit": {Request{Have: []snapshot.Name{full(100, 9)}, Offers: []Offer{server(1, full(100, 1), on(100, 150, 1))}},
			"100! 100.1+150.1"},
		"what is left of a download": {Request{Kept: map[snapshot.Name]int64{full(100, 2): 90 << 30}, Offers: []Offer{server(1, full(101, 1)), server(2, full(100, 2))}},
			"100.2 101.1"},
		"the full alone": {Request{FullOnly: true, Offers: []Offer{server(1, full(100, 1), on(100, 150, 1))}}, "100.1"},
		"a slot": {Request{Slot: slot(150), Offers: []Offer{server(1, full(100, 1), on(100, 150, 1)), server(2, full(100, 1), on(100, 190, 2))}},
			"100.1+150.1 2:100=other-slot 2:190=other-slot"},
		"the slot of a full":     {Request{Slot: slot(100), Offers: []Offer{server(1, full(100, 1), on(100, 150, 1))}}, "100.1 1:150=other-slot"},
		"a slot that nobody has": {Request{Slot: slot(120), Offers: []Offer{server(1, full(100, 1))}}, " 1:100=other-slot"},
		"no address":             {Request{Offers: []Offer{{Peer: wire.Pubkey{1}, Full: Offered{Name: full(100, 1)}}}}, " 1:100=no-address"},
		"no cluster's slot":      {Request{Offers: []Offer{server(1, full(10_000_000_000, 1))}}, " 1:10000000000=implausible-slot"},
		"a source that failed": {Request{Failed: []Failure{{URL: "http://192.0.2.1:8899", Err: broken}}, Offers: []Offer{server(1, full(100, 1)), server(2, full(100, 1))}},
			"100.2 1:100=failed"},
		"an incremental that failed": {Request{Failed: []Failure{{URL: "http://192.0.2.1:8899", Archive: on(100, 150, 1), Err: broken}}, Offers: []Offer{server(1, full(100, 1), on(100, 150, 1))}},
			"100.1 1:150=failed"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.request.Trust = anyone
			if got := Choose(tt.request).text(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestChooseByTrust: as Agave judges by known validators.
func TestChooseByTrust(t *testing.T) {
	type said struct {
		by    byte
		names []snapshot.Name
	}
	for name, tt := range map[string]struct {
		config TrustConfig
		heard  []said
		offers []Offer
		want   string
	}{
		"vouched for": {TrustConfig{Known: []wire.Pubkey{{8}}}, []said{{8, []snapshot.Name{full(100, 1), on(100, 150, 1)}}},
			[]Offer{server(1, full(100, 1), on(100, 150, 1))}, "100.1+150.1"},
		"nobody heard": {TrustConfig{Known: []wire.Pubkey{{8}}}, nil,
			[]Offer{server(1, full(100, 1), on(100, 150, 1))}, " 1:100=not-vouched-for 1:150=not-vouched-for"},
		"a stranger says so": {TrustConfig{Known: []wire.Pubkey{{8}}}, []said{{7, []snapshot.Name{full(100, 1)}}},
			[]Offer{server(1, full(100, 1))}, " 1:100=not-vouched-for"},
		"only the full": {TrustConfig{Known: []wire.Pubkey{{8}}}, []said{{8, []snapshot.Name{full(100, 1), on(100, 150, 1)}}},
			[]Offer{server(1, full(100, 1), on(100, 160, 1))}, "100.1 1:160=not-vouched-for"},
		"an incremental before": {TrustConfig{Known: []wire.Pubkey{{8}}}, []said{{8, []snapshot.Name{full(100, 1), on(100, 150, 1)}}, {8, []snapshot.Name{full(100, 1), on(100, 160, 1)}}},
			[]Offer{server(1, full(100, 1), on(100, 150, 1))}, "100.1+150.1"},
		"an incremental on another full": {TrustConfig{Known: []wire.Pubkey{{7}, {8}}}, []said{{7, []snapshot.Name{full(90, 1), on(90, 150, 1)}}, {8, []snapshot.Name{full(100, 1)}}},
			[]Offer{server(1, full(100, 1), on(100, 150, 1))}, "100.1 1:150=not-vouched-for"},
		"another hash": {TrustConfig{Known: []wire.Pubkey{{8}}}, []said{{8, []snapshot.Name{full(100, 1)}}},
			[]Offer{server(1, full(100, 2))}, " 1:100=conflict"},
		"the first hash counts": {TrustConfig{Known: []wire.Pubkey{{7}, {8}}}, []said{{7, []snapshot.Name{full(100, 1)}}, {8, []snapshot.Name{full(100, 2), on(100, 150, 2)}}},
			[]Offer{server(1, full(100, 1)), server(2, full(100, 2), on(100, 150, 2))}, "100.1 2:100=conflict 2:150=conflict"},
		"no quorum": {TrustConfig{Known: []wire.Pubkey{{7}, {8}}, Quorum: 2}, []said{{7, []snapshot.Name{full(100, 1)}}, {8, []snapshot.Name{full(90, 1)}}},
			[]Offer{server(1, full(100, 1))}, " 1:100=no-quorum"},
		"a quorum": {TrustConfig{Known: []wire.Pubkey{{7}, {8}}, Quorum: 2}, []said{{7, []snapshot.Name{full(100, 1)}}, {8, []snapshot.Name{full(100, 1)}}},
			[]Offer{server(1, full(100, 1))}, "100.1"},
		"twice the same": {TrustConfig{Known: []wire.Pubkey{{7}, {8}}, Quorum: 2}, []said{{7, []snapshot.Name{full(100, 1)}}, {7, []snapshot.Name{full(100, 1)}}},
			[]Offer{server(1, full(100, 1))}, " 1:100=no-quorum"},
		"only known": {TrustConfig{Known: []wire.Pubkey{{2}}, OnlyKnownRPC: true}, []said{{2, []snapshot.Name{full(100, 1)}}},
			[]Offer{server(1, full(100, 1)), server(2, full(100, 1)), server(3, full(100, 1)).from(discovery.Origin)}, "100.2.3 1:100=not-a-known-validator"},
	} {
		t.Run(name, func(t *testing.T) {
			trust := NewTrust(tt.config)
			for _, s := range tt.heard {
				_ = trust.Hear(wire.Pubkey{s.by}, stream(s.names...)) // a conflict shows in what is chosen
			}
			if got := Choose(Request{Trust: trust, Offers: tt.offers}).text(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestTrustNamesConflicts, and goes on with what was first.
func TestTrustNamesConflicts(t *testing.T) {
	trust := NewTrust(TrustConfig{Known: []wire.Pubkey{{7}, {8}}})
	for _, names := range [][]snapshot.Name{{full(100, 1), on(100, 150, 1)}, {full(100, 1), on(100, 160, 1)}} {
		if err := trust.Hear(wire.Pubkey{7}, stream(names...)); err != nil {
			t.Fatal(err)
		}
	}
	for _, names := range [][]snapshot.Name{{full(100, 2)}, {full(100, 1), on(100, 150, 2)}} {
		var conflict *ConflictError
		if err := trust.Hear(wire.Pubkey{8}, stream(names...)); !errors.As(err, &conflict) || conflict.Peer != (wire.Pubkey{8}) {
			t.Errorf("%v", err)
		}
	}
	if trust.Heard() != 2 {
		t.Errorf("%d were heard", trust.Heard())
	}
}

// TestTrustForgets what was announced first, whatever known validators say.
func TestTrustForgets(t *testing.T) {
	trust := NewTrust(TrustConfig{Known: []wire.Pubkey{{7}}})
	for i := range snapshot.Slot(5 * maxFulls) {
		for j := range snapshot.Slot(3 * maxIncrementals / maxFulls) {
			if err := trust.Hear(wire.Pubkey{7}, stream(full(1000*i, 1), on(1000*i, 1000*i+j+1, 1))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range snapshot.Slot(2 * maxIncrementals) {
		_ = trust.Hear(wire.Pubkey{7}, stream(full(1, 1), on(1, i+2, 1)))
	}
	if n := len(trust.fulls); n != maxFulls {
		t.Errorf("%d full archives are remembered", n)
	}
	if n := len(trust.fulls[maxFulls-1].incrementals); n != maxIncrementals {
		t.Errorf("%d incrementals are remembered", n)
	}
	if trust.Vouches(full(0, 1), full(0, 1)) != Unvouched {
		t.Error("the first is remembered")
	}
}

// TestChoiceIsSound: whatever is offered, what is planned fits, and nothing that
// was refused is in it.
func TestChoiceIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.Uint64Range(1, 12)
		var offers []Offer
		for i := range rapid.IntRange(0, 12).Draw(t, "offers") {
			base := snapshot.Slot(slots.Draw(t, "base"))
			names := []snapshot.Name{full(base, byte(slots.Draw(t, "hash")%3))}
			if more := snapshot.Slot(slots.Draw(t, "more") / 2); more > 0 {
				names = append(names, on(base, base+more, byte(slots.Draw(t, "hash")%3)))
			}
			offers = append(offers, server(byte(i+1), names...).at(int64(slots.Draw(t, "speed")-1)))
		}
		trust := NewTrust(TrustConfig{Known: []wire.Pubkey{{1}, {2}}[:rapid.IntRange(0, 2).Draw(t, "known")]})
		for i := range offers {
			var names []snapshot.Name
			if names = append(names, offers[i].Full.Name); offers[i].Incremental != nil {
				names = append(names, offers[i].Incremental.Name)
			}
			_ = trust.Hear(offers[i].Peer, stream(names...))
		}
		c := Choose(Request{Trust: trust, Offers: offers})
		for _, p := range c.Plans {
			if trust.Vouches(p.Full.Name, p.Full.Name) != Accepted || len(p.Full.Sources) == 0 {
				t.Errorf("plans %+v", p)
			}
			if i := p.Incremental; i != nil && (i.Name.Base != p.Full.Name.Slot || trust.Vouches(p.Full.Name, i.Name) != Accepted) {
				t.Errorf("plans %s on %s", i.Name, p.Full.Name)
			}
		}
		if !slices.IsSortedFunc(c.Plans, comparePlans) {
			t.Error("the best is not the first")
		}
		if len(offers) > 0 && len(c.Plans) == 0 && len(c.Refused) == 0 {
			t.Error("nothing is planned, and nobody knows why")
		}
	})
}

// TestOffersOfACatalog are one for each pair.
func TestOffersOfACatalog(t *testing.T) {
	d := newDirectory(t)
	entry := discovery.Entry{Peer: wire.Pubkey{3}, Version: discovery.Version{Start: 1, Update: uint64(time.Now().UnixMilli())},
		Addresses: []string{"http://192.0.2.3:8899"}, Streams: []discovery.Stream{*stream(full(100, 1), on(100, 150, 2)), *stream(full(200, 3))}}
	entry.Streams[0].Full.Size = 77
	if err := d.Insert(entry, discovery.Gossip); err != nil {
		t.Fatal(err)
	}
	d.Sample(wire.Pubkey{3}, discovery.OverUDP, 9*time.Millisecond)
	offers := Offers(d.Catalog())
	if len(offers) != 2 {
		t.Fatalf("%+v", offers)
	}
	want := server(3, full(100, 1), on(100, 150, 2)).sized(77, 0).near(9 * time.Millisecond)
	if got := offers[0]; got.Full != want.Full || *got.Incremental != *want.Incremental || got.RTT != want.RTT || got.URL != want.URL {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if offers[1].Incremental != nil || offers[1].Full.Name != full(200, 3) {
		t.Errorf("got %+v", offers[1])
	}
}
