package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"solsnap/gossip"
	"solsnap/gossip/wire"
	"solsnap/middleware"
	"solsnap/snapshot/archive/manifest"
)

// gossipSettings are all those that only the node of gossip sees.
var gossipSettings = []string{
	"--bind-address", "::1,203.0.113.7", "--gossip-port", "7001", "--entrypoint", "a.example.com:8001", "--expected-shred-version", "50093",
	"--allow-private-addr", "--gossip-mode", "full", "--gossip-announce-interval", "8s", "--gossip-pull-rate", "2MB",
	"--gossip-ping-rate", "500", "--gossip-pong-rate", "32", "--gossip-max-nodes", "1000",
}

// TestGossipIsConfigured: what is set arrives at the node of gossip.
func TestGossipIsConfigured(t *testing.T) {
	isolate(t)
	got := gossipConfig(load(t, gossipSettings...))
	want := gossip.Config{
		Listen:       netip.MustParseAddrPort("203.0.113.7:7001"),
		Entrypoints:  []string{"a.example.com:8001"},
		ShredVersion: 50093,
		AllowPrivate: true,
		Mode:         gossip.Full,
		Version:      ownVersion(readBuildInfo()),
		Limits: gossip.Limits{
			AnnounceInterval: 8 * time.Second, PullBudget: 200_000, PingRate: 500, PongRate: 32, Pubkeys: 1000,
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestGossipDefaultsAreTheProtocols: what is not set is the node's to decide, or
// the same.
func TestGossipDefaultsAreTheProtocols(t *testing.T) {
	isolate(t)
	want := gossip.Limits{AnnounceInterval: 10 * time.Second, PingRate: 1000, PongRate: 64, Pubkeys: 8192}
	if got := gossipConfig(load(t)).Limits; got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestAdvertisedPlaces(t *testing.T) {
	isolate(t)
	const entrypoint = "--entrypoint=203.0.113.1:8001"
	for name, tt := range map[string]struct {
		args []string
		host string // "" is for the node to find out
		rpc  string // "" is none, ":8899" is on host
	}{
		"nothing known":          {nil, "", ":8899"},
		"entrypoints":            {[]string{entrypoint}, "", ":8899"},
		"one address":            {[]string{entrypoint, "--bind-address", "203.0.113.7"}, "203.0.113.7", ":8899"},
		"host":                   {[]string{"--gossip-host", "203.0.113.7"}, "203.0.113.7", ":8899"},
		"host before address":    {[]string{"--gossip-host", "203.0.113.7", "--bind-address", "10.1.2.3"}, "203.0.113.7", ":8899"},
		"public rpc":             {[]string{entrypoint, "--public-rpc-address", "203.0.113.9:80"}, "", "203.0.113.9:80"},
		"public rpc by a proxy":  {[]string{entrypoint, "--public-rpc-address", "203.0.113.9:80", "--rpc-bind-address", "127.0.0.1"}, "", "203.0.113.9:80"},
		"private rpc":            {[]string{entrypoint, "--private-rpc"}, "", ""},
		"rpc that nobody gets":   {[]string{entrypoint, "--rpc-bind-address", "127.0.0.1"}, "", ""},
		"rpc of IPv6 alone":      {[]string{entrypoint, "--rpc-bind-address", "::"}, "", ""},
		"rpc on an own address":  {[]string{entrypoint, "--rpc-bind-address", "10.1.2.3"}, "", ":8899"},
		"everything on loopback": {[]string{"--bind-address", "127.0.0.1"}, "127.0.0.1", ":8899"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, tt.args...).resolvePlaces(t.Context(), 8899)
			if err != nil {
				t.Fatal(err)
			}
			want := places{host: parseOr(t, netip.ParseAddr, tt.host)}
			if tt.rpc == ":8899" {
				want.rpc = netip.AddrPortFrom(netip.Addr{}, 8899)
			} else {
				want.rpc = parseOr(t, netip.ParseAddrPort, tt.rpc)
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// parseOr is zero for no text.
func parseOr[T any](t *testing.T, parse func(string) (T, error), text string) (v T) {
	t.Helper()
	if text == "" {
		return v
	}
	v, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOwnVersion(t *testing.T) {
	for text, want := range map[string]string{
		"v1.2.3": "1.2.3", "devel": "0.0.0", "v0.4.1-0.20261125000000-0123456789ab": "0.4.1", "1.99999.2": "1.0.2", "": "0.0.0",
	} {
		v := ownVersion(buildInfo{Version: text, Revision: "89abcdef0123"})
		if v.String() != want && text != "1.99999.2" || v.Commit != 0x89abcdef || v.ClientName() != "Unknown(29550)" {
			t.Errorf("%q is %v %+v, want %s", text, v, v, want)
		}
	}
	if v := ownVersion(buildInfo{}); v.Commit != 0 {
		t.Errorf("no revision is commit %x", v.Commit)
	}
}

func TestContactInfosAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state") // not there yet
	var c gossip.Config
	keepContactInfos(&c, dir)
	if b, err := c.LoadContactInfos(); b != nil || err != nil {
		t.Errorf("before the first time: %q, %v", b, err)
	}
	if err := c.SaveContactInfos([]byte("infos")); err != nil {
		t.Fatal(err)
	}
	if b, err := c.LoadContactInfos(); string(b) != "infos" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "contact-info.bin")); err != nil {
		t.Error(err)
	}
}

func TestDownloadLoad(t *testing.T) {
	at := func(rates ...int64) (list []middleware.Transfer) {
		for _, rate := range rates {
			list = append(list, middleware.Transfer{Rate: rate << 20})
		}
		return list
	}
	for name, tt := range map[string]struct {
		running []middleware.Transfer
		limits  middleware.Limits
		want    float64
	}{
		"no limit":                {at(1, 2, 3), middleware.Limits{}, 0},
		"slots":                   {at(1, 2, 3), middleware.Limits{MaxDownloads: 4}, 0.75},
		"more than slots":         {at(1, 2, 3), middleware.Limits{MaxDownloads: 2}, 1},
		"idle":                    {nil, middleware.Limits{TotalRate: 100 << 20}, 0.1},
		"one takes everything":    {at(100), middleware.Limits{TotalRate: 100 << 20}, 0.2},
		"most of it is left":      {at(1, 1, 1, 1), middleware.Limits{TotalRate: 100 << 20}, 10.0 / 96},
		"another is too slow":     {at(25, 25, 25, 25), middleware.Limits{TotalRate: 50 << 20}, 1},
		"never fast enough":       {nil, middleware.Limits{TotalRate: 5 << 20}, 1},
		"the worse of the two":    {at(1, 1, 1), middleware.Limits{MaxDownloads: 4, TotalRate: 1000 << 20}, 0.75},
		"more than the total, so": {at(300), middleware.Limits{TotalRate: 100 << 20}, 0.2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := downloadLoad(tt.running, tt.limits); got < tt.want-0.001 || got > tt.want+0.001 {
				t.Errorf("load is %v, want %v", got, tt.want)
			}
		})
	}
}

func TestStakesOfAManifest(t *testing.T) {
	account := func(key, node byte, stake uint64) manifest.VoteAccount {
		return manifest.VoteAccount{Pubkey: manifest.Pubkey{key}, Node: manifest.Pubkey{node}, Stake: stake}
	}
	m := &manifest.Manifest{}
	m.Bank.EpochSchedule = manifest.EpochSchedule{SlotsPerEpoch: 100, LeaderScheduleSlotOffset: 100}
	m.Bank.Slot = 150
	m.Bank.Stakes.VoteAccounts = []manifest.VoteAccount{account(9, 9, 1)}
	if got := stakesOf(m); len(got) != 1 || got[wire.Pubkey{9}] != 1 {
		t.Errorf("without stakes of the epoch: %v, want those of the bank", got)
	}
	m.Extra.EpochStakes = []manifest.EpochStakes{
		{Epoch: 0, Stakes: manifest.Stakes{VoteAccounts: []manifest.VoteAccount{account(8, 8, 1)}}},
		{Epoch: 1, Stakes: manifest.Stakes{VoteAccounts: []manifest.VoteAccount{account(1, 5, 3), account(2, 5, 4), account(3, 6, 1), account(4, 7, 0), account(5, 0, 2)}}},
	}
	want := map[wire.Pubkey]uint64{{5}: 7, {6}: 1}
	if got := stakesOf(m); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
