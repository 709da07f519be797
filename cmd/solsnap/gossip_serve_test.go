package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"solsnap/gossip"
	"solsnap/snapshot"
)

// gossipFlags make a server gossip in a cluster of its own.
func gossipFlags(more ...string) []string {
	return append([]string{"--gossip-port", "auto", "--allow-private-addr"}, more...)
}

// putBank lists a full archive that has a manifest, from which the shred version
// follows.
func putBank(t *testing.T, slot snapshot.Slot) func(dir string) {
	name, body := bankOf(t, snapshot.Name{Slot: slot}, 1)
	return func(dir string) { putArchive(t, dir, name, body) }
}

var gossipListener = regexp.MustCompile(`"address":"([0-9.:]+)","use":"gossip"`)

// gossipAddr is HOST:PORT of gossip.
func (s *server) gossipAddr() string {
	s.t.Helper()
	listener := gossipListener.FindStringSubmatch(s.status())
	if listener == nil {
		s.t.Fatalf("no gossip listener: %s\n%s", s.status(), s.log)
	}
	return listener[1]
}

// seenGossip is of what /admin/v1/gossip answers what the tests look at.
type seenGossip struct {
	Pubkey       string
	ShredVersion *int
	RPC          *string
	Visible      bool
	Snapshots    *struct{ Full struct{ Slot snapshot.Slot } }
	Peers        []struct {
		Pubkey    string
		RPC       *string
		Snapshots *struct{ Full struct{ Slot snapshot.Slot } }
	}
}

func (s *server) gossip() (seen seenGossip) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(get(s.t, "http://"+s.admin+"/admin/v1/gossip")), &seen); err != nil {
		s.t.Fatal(err)
	}
	return seen
}

// sees reports whether the server knows the peer, its RPC address and its full
// archive.
func (s *server) sees(pubkey, rpc string, slot snapshot.Slot) bool {
	s.t.Helper()
	for _, peer := range s.gossip().Peers {
		if peer.Pubkey == pubkey && peer.RPC != nil && *peer.RPC == rpc && peer.Snapshots != nil && peer.Snapshots.Full.Slot == slot {
			return true
		}
	}
	return false
}

// TestServersFindEachOther: the first computes the shred version from its
// archive, the second asks the first for it. Each announces what it serves and
// where, and the second measures itself by the first, its known validator.
func TestServersFindEachOther(t *testing.T) {
	first := startServe(t, putBank(t, 1000), gossipFlags("--gossip-mode", "full")...)
	one := first.gossip().Pubkey
	first.poll("the first knows the shred version", func() bool { return first.gossip().ShredVersion != nil })
	second := startServe(t, putBank(t, 100), gossipFlags("--entrypoint", first.gossipAddr(), "--known-validator", one)...)
	two := second.gossip().Pubkey
	second.poll("the second sees the first", func() bool { return second.sees(one, first.addr, 1000) })
	first.poll("the first sees the second", func() bool { return first.sees(two, second.addr, 100) })
	second.poll("the second is visible", func() bool { return second.gossip().Visible })
	if a, b := first.gossip().ShredVersion, second.gossip().ShredVersion; a == nil || b == nil || *a != *b {
		t.Errorf("shred versions are %v and %v", a, b)
	}
	second.pollHealth("behind")
	replies(request("GET", "/readyz"), "HTTP/1.1 200", `"slotsBehind":900`)(second)
	second.listsTheCluster(one, first.addr)
	second.listsTheCluster(two, second.addr)
	metrics := get(t, "http://"+second.admin+"/metrics")
	for _, line := range []string{`solsnap_gossip_visible 1`, `solsnap_gossip_peers 1`, `solsnap_gossip_table_values{kind="ContactInfo"} 2`, `solsnap_cluster_slot 1000`} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("metrics lack %s", line)
		}
	}
	if alarms := second.alarms(); len(alarms) > 0 {
		t.Errorf("alarms: %q", alarms)
	}
}

// listsTheCluster: getClusterNodes has the node.
func (s *server) listsTheCluster(pubkey, rpc string) {
	s.t.Helper()
	want := `"pubkey":"` + pubkey + `","pubsub":null,"rpc":"` + rpc + `","serveRepair":null,"shredVersion":`
	s.poll("getClusterNodes lists "+pubkey, func() bool { return strings.Contains(s.rpc(call("getClusterNodes")), want) })
}

// TestPeersFindServers: in a process of its own, as a person would.
func TestPeersFindServers(t *testing.T) {
	isolate(t)
	s := startServe(t, putBank(t, 1000), gossipFlags("--gossip-mode", "full")...)
	cmd := exec.Command("solsnap", "peers", "--entrypoint", s.gossipAddr(), "--json", "--known-validator", s.gossip().Pubkey)
	cmd.Stderr = s.log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, s.log)
	}
	var rows []struct {
		Pubkey, RPC string
		Full        struct{ Slot snapshot.Slot }
		Known       bool
		RTT         *float64 `json:"rttMs"`
	}
	if err := json.Unmarshal(out, &rows); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(rows) != 1 || rows[0].Pubkey != s.gossip().Pubkey || rows[0].RPC != s.addr || rows[0].Full.Slot != 1000 || !rows[0].Known || rows[0].RTT == nil {
		t.Errorf("found %s", out)
	}
}

// TestBusyServerWithdraws at half of its slots, and comes back below.
func TestBusyServerWithdraws(t *testing.T) {
	s := startServe(t, putBank(t, 1000), gossipFlags("--max-downloads", "2", "--withdraw-at", "0.5", "--return-at", "0.4")...)
	s.poll("the RPC address is advertised", func() bool { return s.gossip().RPC != nil })
	s.putLarge()
	download := s.stall("/" + large.String())
	s.log.await(t, `level=WARN msg="gossip: withdrawn, the server is busy" load=0.5`, nil)
	s.poll("the RPC address is withdrawn", func() bool { return s.gossip().RPC == nil })
	download.Close()
	s.log.await(t, `level=INFO msg="gossip: back, the server has room" load=0`, nil)
	s.poll("the RPC address is advertised again", func() bool { return s.gossip().RPC != nil })
}

// TestGossipWithdrawsBeforeTheDrain: while the server still takes requests, new
// nodes are sent elsewhere.
func TestGossipWithdrawsBeforeTheDrain(t *testing.T) {
	s, process := startProcess(t, putBank(t, 1000), gossipFlags("--drain-delay", "5s")...)
	s.poll("the RPC address is advertised", func() bool { return s.gossip().RPC != nil })
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.log.await(t, "gossip: withdrawn, the server drains", s.ended)
	s.poll("the RPC address is withdrawn", func() bool { return s.gossip().RPC == nil })
	replies(request("GET", "/snapshot.tar.bz2"), "HTTP/1.1 303", "")(s)
}

// TestServerThatStopsIsNotLookedFor: it says so, even if it stops at once.
func TestServerThatStopsIsNotLookedFor(t *testing.T) {
	first := startServe(t, putBank(t, 1000), gossipFlags("--gossip-mode", "full")...)
	second, process := startProcess(t, putBank(t, 100), gossipFlags("--entrypoint", first.gossipAddr())...)
	two := second.gossip().Pubkey
	first.poll("the first sees the second", func() bool { return first.sees(two, second.addr, 100) })
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	first.poll("the second has withdrawn", func() bool {
		peers := first.gossip().Peers
		return len(peers) == 1 && peers[0].RPC == nil
	})
}

// TestSecondInstance: who has the identity from now on is found out through the
// cluster, and the first one stops, or at least its gossip does.
func TestSecondInstance(t *testing.T) {
	entrypoint := startServe(t, putBank(t, 1000), gossipFlags("--gossip-mode", "full")...)
	for name, fatal := range map[string]bool{"fatal": true, "not fatal": false} {
		t.Run(name, func(t *testing.T) {
			key := filepath.Join(t.TempDir(), "identity.json")
			writeFile(t, key, formatKeypair(newKey(t)))
			flags := gossipFlags("--entrypoint", entrypoint.gossipAddr(), "--identity", key)
			if !fatal {
				flags = append(flags, "--duplicate-instance-fatal=false")
			}
			first, args := newServer(t, putBank(t, 100), flags)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- run(ctx, args, strings.NewReader(""), io.Discard, first.log) }()
			first.awaitReady(ended)
			first.poll("the first is visible", func() bool { return first.gossip().Visible })
			startServe(t, putBank(t, 100), flags...)
			if fatal {
				if err := <-ended; !errors.Is(err, gossip.ErrDuplicateInstance) {
					t.Errorf("ended with %v", err)
				}
				return
			}
			first.log.await(t, `level=ERROR msg="gossip: ended; downloads go on`, ended)
			replies(request("GET", "/snapshot.tar.bz2"), "HTTP/1.1 303", "")(first)
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// newKey is an identity that nobody has.
func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestGossipIsOff: nobody listens, and nothing is said.
func TestGossipIsOff(t *testing.T) {
	s := startPair(t)
	answers("getClusterNodes", "-32601")(s)
	resp, err := http.Get("http://" + s.admin + "/admin/v1/gossip")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("/admin/v1/gossip: %s", resp.Status)
	}
	if metrics := get(t, "http://"+s.admin+"/metrics"); strings.Contains(metrics, "solsnap_gossip") {
		t.Error("there are metrics of gossip")
	}
}

// TestClusterNodesBesideAnUpstream: it is asked when there is no gossip, or when
// the operator says so.
func TestClusterNodesBesideAnUpstream(t *testing.T) {
	upstream := newOutfit(t).upstream
	for name, tt := range map[string]struct {
		flags []string
		want  string
	}{
		"no gossip":     {nil, `"of the upstream"`},
		"gossip":        {gossipFlags(), `"result":[`},
		"asked by name": {gossipFlags("--upstream-rpc-methods", "getClusterNodes"), `"of the upstream"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := startPair(t, append(tt.flags, "--upstream-rpc", upstream)...)
			answers("getClusterNodes", tt.want)(s)
		})
	}
}

// TestWrongArchiveForTheCluster is warned of, once.
func TestWrongArchiveForTheCluster(t *testing.T) {
	s := startServe(t, putBank(t, 1000), gossipFlags("--expected-shred-version", "7")...)
	s.log.await(t, `level=WARN msg="gossip: the served archive is of another cluster`, nil)
	s.log.await(t, "cluster=7", nil)
}

// TestNobodyFindsAPrivateServer, which says so.
func TestNobodyFindsAPrivateServer(t *testing.T) {
	s := startServe(t, putBank(t, 1000), "--gossip-port", "auto")
	s.log.await(t, `level=WARN msg="gossip: the advertised address is private`, nil)
}
