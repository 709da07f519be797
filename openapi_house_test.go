package solsnap_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"solsnap"
	"solsnap/api"
	"solsnap/middleware"
	"solsnap/rpc"
	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// The archives of the house: a pair and an older full.
var (
	fullName        = snapshot.Name{Kind: snapshot.Full, Slot: 100, Hash: snapshot.Hash{1}}
	incrementalName = snapshot.Name{Kind: snapshot.Incremental, Base: 100, Slot: 150, Hash: snapshot.Hash{2}}
	olderName       = snapshot.Name{Kind: snapshot.Full, Slot: 50, Hash: snapshot.Hash{3}, Format: snapshot.FormatLZ4}
)

// archiveSize is more than the buffers of a connection take, so that a client
// that does not read holds its download up.
const archiveSize = 16 << 20

// house is whole servers in several states, each assembled as cmd does. The
// strings are their base URLs.
type house struct {
	public  *api.Server
	admin   *api.Admin
	methods int // of JSON-RPC, that are answered from what is here

	stocked string // has archives, genesis and supply
	bare    string // has nothing, and answers /health with status codes
	full    string // is stocked, but its only download slot is taken
	limited string // forwards calls, but this client has no more of them
	open    string // the admin server without a token
	guarded string // and with one
	silent  string // the admin server of a node without gossip
}

const token = "secret"

func (h *house) atStocked() string { return h.stocked }
func (h *house) atBare() string    { return h.bare }
func (h *house) atFull() string    { return h.full }
func (h *house) atLimited() string { return h.limited }
func (h *house) atOpen() string    { return h.open }
func (h *house) atGuarded() string { return h.guarded }
func (h *house) atSilent() string  { return h.silent }

func openHouse(t *testing.T) *house {
	t.Helper()
	shelf, empty := t.TempDir(), t.TempDir()
	fill(t, shelf)
	h := &house{methods: reflect.TypeFor[rpc.NodeMethods]().NumMethod() + reflect.TypeFor[rpc.BankMethods]().NumMethod() +
		reflect.TypeFor[*rpc.ClusterMethods]().NumMethod()}
	h.public, h.stocked = openServer(t, shelf, nil)
	_, h.full = openServer(t, shelf, func(p *parts) { p.limits.MaxDownloads = 1 })
	takeSlot(t, h.full)
	_, h.bare = openServer(t, empty, func(p *parts) {
		p.snapshots.TotalSupply, p.snapshots.CirculatingSupply = nil, nil
		p.snapshots.HealthStatusCodes = func() bool { return true }
		p.bodyTimeout = 20 * time.Millisecond
	})
	_, h.limited = openServer(t, empty, func(p *parts) { p.rpc.Upstream = stingy(t) })
	send(t, newRequest(t, http.MethodPost, h.limited, "/", fields{"Content-Type": "application/json"}, `{"jsonrpc":"2.0","id":1,"method":"getBalance"}`))
	h.admin, h.open = openAdmin(t, "", gossipOfTwo)
	_, h.guarded = openAdmin(t, token, gossipOfTwo)
	_, h.silent = openAdmin(t, "", nil)
	return h
}

// fill writes the archives and a genesis.
func fill(t *testing.T, dir string) {
	t.Helper()
	const zstdFrame, lz4Frame = "\x28\xb5\x2f\xfd\x04\x58\x01\x00\x00\x99\xe9\xd8\x51", "\x04\x22\x4d\x18\x64\x40\xa7\x00\x00\x00\x00\x05\x5d\xcc\x02"
	for name, frame := range map[string]string{
		fullName.String():        zstdFrame,
		incrementalName.String(): zstdFrame,
		olderName.String():       lz4Frame,
		"genesis.tar.bz2":        "BZh9 genesis",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(frame), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []snapshot.Name{fullName, incrementalName} {
		if err := os.Truncate(filepath.Join(dir, name.String()), archiveSize); err != nil {
			t.Fatal(err)
		}
	}
}

// parts are what tests vary of a server.
type parts struct {
	limits      middleware.Limits
	snapshots   middleware.SnapshotsConfig
	rpc         rpc.Config
	bodyTimeout time.Duration // 0: none
}

// boundBodies stands for the listeners of package api, which are not used here.
func boundBodies(h http.Handler, timeout time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if timeout > 0 && r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(timeout))
		}
		h.ServeHTTP(w, r)
	})
}

// openServer assembles the public server over the directory.
func openServer(t *testing.T, dir string, edit func(*parts)) (*api.Server, string) {
	t.Helper()
	store := openStore(t, dir)
	behind := func() snapshot.Health {
		mine, cluster := snapshot.Slot(150), snapshot.Slot(1000)
		return snapshot.AssessHealth(&mine, &cluster, 128)
	}
	genesis := func() (*os.File, error) { return os.Open(filepath.Join(dir, "genesis.tar.bz2")) }
	p := parts{snapshots: middleware.SnapshotsConfig{
		Archives:          store,
		Genesis:           genesis,
		Health:            behind,
		Digest:            func(snapshot.Archive) ([32]byte, bool) { return [32]byte{7}, true },
		TotalSupply:       func(context.Context) (uint64, error) { return 123000000001, nil },
		CirculatingSupply: func(context.Context) (uint64, error) { return 5e8, nil },
	}}
	if edit != nil {
		edit(&p)
	}
	p.snapshots.Transfers = middleware.NewTransfers(p.limits, nil)
	calls := rpc.NewServer(p.rpc)
	if err := calls.Register(rpc.NodeMethods{
		Version:     "4.1.0",
		Identity:    snapshot.Hash{9}.String(),
		GenesisHash: func() (snapshot.Hash, bool) { return snapshot.Hash{8}, true },
		Served:      store.Served,
		Health:      func() snapshot.Health { return snapshot.Health{State: snapshot.HealthOK} },
	}); err != nil {
		t.Fatal(err)
	}
	if err := calls.Register(rpc.NewClusterMethods(func() []rpc.ClusterNode { return nil })); err != nil {
		t.Fatal(err)
	}
	if err := calls.Register(rpc.BankMethods{Version: "4.1.0", Bank: bank}); err != nil {
		t.Fatal(err)
	}
	server, err := api.NewServer(api.Config{
		Listeners: []string{"127.0.0.1:0"},
		Archives:  store,
		Digests:   someDigests{},
		RPC:       middleware.CORS("OPTIONS, POST")(calls),
		OpenAPI:   solsnap.OpenAPI,
		Genesis:   func() bool { f, err := genesis(); _ = f.Close(); return err == nil },
		Health:    behind,
		Middleware: []func(http.Handler) http.Handler{
			middleware.NewObserver(middleware.ObserveConfig{}).Middleware, middleware.Snapshots(p.snapshots),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewUnstartedServer(boundBodies(server.Handler(), p.bodyTimeout))
	listening.Config.ConnContext = middleware.ConnContext
	listening.Start()
	t.Cleanup(listening.Close)
	return server, listening.URL
}

// bank is that of the newest archive, with one node in it.
func bank() *rpc.Bank {
	m := &manifest.Manifest{}
	m.Bank.Slot, m.Bank.LeaderID = incrementalName.Slot, manifest.Pubkey{5}
	m.Bank.EpochSchedule = manifest.EpochSchedule{SlotsPerEpoch: 432000, LeaderScheduleSlotOffset: 432000}
	m.Bank.BlockhashQueue.LastHash = &snapshot.Hash{4}
	m.Extra.EpochStakes = []manifest.EpochStakes{{TotalStake: 1, Stakes: manifest.Stakes{
		VoteAccounts: []manifest.VoteAccount{{Pubkey: manifest.Pubkey{6}, Node: manifest.Pubkey{5}, Stake: 1}},
	}}}
	return rpc.NewBank(m, nil)
}

// openStore runs a store until the end of the test, and returns it once it
// lists all that is there.
func openStore(t *testing.T, dir string) *snapshot.Store {
	t.Helper()
	store, err := snapshot.NewStore(snapshot.Config{FullDir: dir, SettleTime: time.Millisecond, RescanInterval: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- store.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("store: %v", err)
		}
	})
	archives, err := filepath.Glob(filepath.Join(dir, "*snapshot-*"))
	if err != nil {
		t.Fatal(err)
	}
	for {
		changed := store.Changed()
		if store.Scanned() && len(store.Archives()) == len(archives) {
			return store
		}
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.Fatalf("the store lists %v, want %v", store.Archives(), archives)
		}
	}
}

// someDigests knows the digest of fulls, and of nothing else.
type someDigests struct{}

func (someDigests) Lookup(a snapshot.Archive) (snapshot.Digest, bool) {
	if a.Name.Kind == snapshot.Incremental {
		return snapshot.Digest{}, false
	}
	return snapshot.Digest{SHA256: [32]byte{7}, Chunks: [][32]byte{{7}, {8}}}, true
}

// stingy is an upstream that each client may call once a day. Nobody listens
// there.
func stingy(t *testing.T) *rpc.Upstream {
	t.Helper()
	upstream, err := rpc.NewUpstream(rpc.UpstreamConfig{URL: "http://127.0.0.1:1", ClientRate: 1.0 / 86400, ClientBurst: 1})
	if err != nil {
		t.Fatal(err)
	}
	return upstream
}

// takeSlot begins a download and never reads it.
func takeSlot(t *testing.T, base string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, "GET /"+fullName.String()+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

// gossipOfTwo has one peer that says everything, and one that says nothing.
func gossipOfTwo() api.Gossip {
	place := netip.MustParseAddrPort("203.0.113.7:8001")
	snapshots := &api.GossipSnapshots{
		Full:        api.GossipSnapshot{Slot: 100, Hash: snapshot.Hash{1}.String()},
		Incremental: &api.GossipSnapshot{Slot: 150, Hash: snapshot.Hash{2}.String()},
	}
	return api.Gossip{
		Pubkey: snapshot.Hash{9}.String(), Mode: "light", ShredVersion: 50093, Listening: place, Gossip: place, RPC: place,
		Joined: true, Visible: true, Snapshots: snapshots, Ponged: 2, Returned: 1,
		Packets: map[string]map[string]uint64{"PingMessage": {"accepted": 3}}, Sent: map[string]uint64{"PongMessage": 3},
		Peers: []api.GossipPeer{
			{
				Pubkey: snapshot.Hash{3}.String(), Gossip: place, RPC: place, Version: "4.1.0", Client: "Agave", ShredVersion: 50093,
				Snapshots: &api.GossipSnapshots{Full: snapshots.Full}, RTT: 12 * time.Millisecond, Seen: time.Now(),
			},
			{Pubkey: snapshot.Hash{4}.String()},
		},
	}
}

func openAdmin(t *testing.T, token string, gossip func() api.Gossip) (*api.Admin, string) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(middleware.NewTransfers(middleware.Limits{}, nil).Collector())
	admin, err := api.NewAdmin(api.AdminConfig{
		Address:  "127.0.0.1:0",
		Gatherer: registry,
		Token:    token,
		Gossip:   gossip,
		Status: func() api.Status {
			top := snapshot.Archive{Name: fullName}
			return api.Status{
				Version:   "1.2.3",
				Started:   time.Now(),
				Listeners: []api.Listener{{Address: "127.0.0.1:8899", Use: "public"}},
				Served:    &snapshot.Pair{Full: top},
				Conflicts: []string{"two archives"},
				Transfers: []middleware.Transfer{
					{Name: fullName.String(), Started: time.Now()},
				},
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(admin.Handler())
	t.Cleanup(listening.Close)
	return admin, listening.URL
}
