package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"solsnap/snapshot"
)

// wired is how a setting shows through the front door.
type wired struct {
	flags   []string
	observe func(*server)
}

// wiring is a row for each setting that shows on a server which runs, over the
// pair 100, 150 and beside an upstream at slot 1000 where the row asks for one.
func wiring(o *outfit) map[string]wired {
	upstream := func(flags ...string) []string { return append(flags, "--upstream-rpc", o.upstream) }
	return map[string]wired{
		"ledger":                            {[]string{"--ledger", o.ledger}, answers("getGenesisHash", `"`+o.genesisHash+`"`)},
		"snapshots":                         {[]string{"--snapshots", o.archives}, answers("getHighestSnapshotSlot", `{"full":300,"incremental":null}`)},
		"full-snapshot-archive-path":        {[]string{"--full-snapshot-archive-path", o.archives}, answers("getHighestSnapshotSlot", `{"full":300,"incremental":null}`)},
		"incremental-snapshot-archive-path": {[]string{"--incremental-snapshot-archive-path", o.archives}, answers("getHighestSnapshotSlot", `{"full":100,"incremental":170}`)},
		"state-dir":                         {nil, (*server).keepsItsState},
		"identity":                          {[]string{"--identity", o.identity}, answers("getIdentity", o.pubkey)},

		"bind-address":     {nil, (*server).listensOnLoopback},
		"rpc-bind-address": {[]string{"--bind-address", "0.0.0.0", "--rpc-bind-address", "127.0.0.1"}, (*server).listensOnLoopback},
		"private-rpc":      {[]string{"--bind-address", "0.0.0.0", "--private-rpc"}, (*server).listensOnLoopback},
		"tls-cert":         {o.tlsFlags(), func(s *server) { s.speaksTLS(o) }},
		"admin-token-file": {[]string{"--admin-token-file", o.token}, (*server).asksForTheToken},

		"hold":        {[]string{"--hold", "1h"}, (*server).holdsWhatIsPurged},
		"digest-rate": {nil, (*server).publishesDigests},

		"health-check-slot-distance": {upstream("--health-check-slot-distance", "850"), func(s *server) { s.pollHealth("ok") }},
		"health-status-codes":        {[]string{"--health-status-codes"}, replies(request("GET", "/health"), "HTTP/1.1 503", "unknown")},
		"rpc-max-request-body-size":  {[]string{"--rpc-max-request-body-size", "1024"}, replies(postJSON("/", strings.Repeat(" ", 1025)), "HTTP/1.1 413", "")},
		"rpc-max-batch-size":         {[]string{"--rpc-max-batch-size", "2"}, replies(postJSON("/", calls("getSlot", 3)), "HTTP/1.1 200", "above the limit of 2")},
		"upstream-rpc":               {upstream(), (*server).asksTheUpstream},
		"upstream-rpc-methods":       {upstream("--upstream-rpc-methods", "getProgramAccounts"), answers("getProgramAccounts", `"of the upstream"`)},
		"upstream-rpc-timeout":       {upstream("--upstream-rpc-timeout", "100ms"), answers(hangs, "-32005")},
		"upstream-rpc-client-rate":   {upstream("--upstream-rpc-client-rate", "0.0001"), func(s *server) { s.limitsForwarding(o) }},

		"max-connections":            {[]string{"--max-connections", "3"}, func(s *server) { s.turnsAwaySlowHeads(3, "limit=total") }},
		"max-connections-per-client": {[]string{"--max-connections-per-client", "3"}, func(s *server) { s.turnsAwaySlowHeads(3, "limit=client") }},
		"max-downloads":              {[]string{"--max-downloads", "1"}, func(s *server) { s.refusesTheSecondDownload("every download slot is taken") }},
		"max-downloads-per-client":   {[]string{"--max-downloads-per-client", "1"}, func(s *server) { s.refusesTheSecondDownload("too many downloads from your address") }},
		"download-rate":              {[]string{"--download-rate", "1MiB"}, shows(`"downloadRate":1048576,`)},
		"total-download-rate":        {[]string{"--total-download-rate", "64MiB"}, shows(`"totalRate":67108864,`)},
		"minimum-progress-rate":      {[]string{"--minimum-progress-rate", "1MiB"}, shows(`"minimumRate":1048576,`)},
		"minimum-progress-window":    {[]string{"--minimum-progress-window", "1s"}, (*server).dropsWhoStalls},

		"access-log": {[]string{"--access-log", "all"}, (*server).logsProbes},
	}
}

// refusals are settings that show in how a start fails: one that was to
// listen where another program does, or that finds the wrong files.
func refusals(o *outfit) map[string]struct {
	flags []string
	err   string
	log   string // what the log has
	not   string // and what it has not
} {
	taken := []string{"--rpc-port", o.takenPort}
	const made = "identity created"
	return map[string]struct {
		flags         []string
		err, log, not string
	}{
		"rpc-port":              {taken, "listen on 127.0.0.1:" + o.takenPort, `level=INFO msg="` + made, ""},
		"gossip-port":           {[]string{"--gossip-port", o.takenPort}, "give another --gossip-port, or 0 for no gossip", "", "msg=serving"},
		"tls-port":              {append(o.tlsFlags(), "--tls-port", o.takenPort), "listen on 127.0.0.1:" + o.takenPort, "", ""},
		"tls-key":               {append(o.tlsFlags(), "--tls-key", o.identity), "load TLS certificate", "", ""},
		"admin-address":         {[]string{"--admin-address", "127.0.0.1:" + o.takenPort}, "listen on 127.0.0.1:" + o.takenPort, "", ""},
		"expected-genesis-hash": {[]string{"--expected-genesis-hash", o.genesisHash}, "genesis hash of", "", "msg=serving"},
		"log-format":            {append(taken, "--log-format", "json"), "listen on", `"level":"INFO","msg":"` + made, ""},
		"log-level":             {append(taken, "--log-level", "warn"), "listen on", "", made},
	}
}

// provenElsewhere are the settings without a row, each with the test that fails
// without it.
var provenElsewhere = map[string]string{
	"pair-grace":      "TestConformance07NewFullWithoutIncremental",
	"rescan-interval": "TestShelvesAreConfigured",           // it shows in nothing but time
	"drain-delay":     "TestTerminationWaitsForTheSettings", // it needs a process of its own
	"drain-timeout":   "TestTerminationWaitsForTheSettings",

	"expected-shred-version":   "TestGossipIsConfigured",
	"gossip-mode":              "TestGossipIsConfigured",
	"gossip-announce-interval": "TestGossipIsConfigured",
	"gossip-pull-rate":         "TestGossipIsConfigured",
	"gossip-ping-rate":         "TestGossipIsConfigured",
	"gossip-pong-rate":         "TestGossipIsConfigured",
	"gossip-max-nodes":         "TestGossipIsConfigured",
	"gossip-host":              "TestAdvertisedPlaces",
	"public-rpc-address":       "TestAdvertisedPlaces",
	"entrypoint":               "TestServersFindEachOther",
	"allow-private-addr":       "TestServersFindEachOther",
	"known-validator":          "TestServersFindEachOther",
	"withdraw-at":              "TestBusyServerWithdraws",
	"return-at":                "TestBusyServerWithdraws",
	"duplicate-instance-fatal": "TestSecondInstance",
}

func TestSettingsShowOnAServer(t *testing.T) {
	for name, row := range wiring(newOutfit(t)) {
		t.Run(name, func(t *testing.T) { row.observe(startPair(t, row.flags...)) })
	}
}

func TestSettingsThatRefuseTheStart(t *testing.T) {
	for name, row := range refusals(newOutfit(t)) {
		t.Run(name, func(t *testing.T) {
			s, args := newServer(t, nil, row.flags)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // should it start
			defer cancel()
			err := run(ctx, args, strings.NewReader(""), io.Discard, s.log)
			if err == nil || !strings.Contains(err.Error(), row.err) {
				t.Errorf("error is %v, want %q", err, row.err)
			}
			if log := s.log.String(); !strings.Contains(log, row.log) || row.not != "" && strings.Contains(log, row.not) {
				t.Errorf("want %q and not %q in the log:\n%s", row.log, row.not, log)
			}
		})
	}
}

// TestEverySettingHasARow: whoever adds a setting has to show that it is wired.
func TestEverySettingHasARow(t *testing.T) {
	o := newOutfit(t)
	rows := wiring(o)
	refused, reloaded := refusals(o), reloads(o)
	for _, s := range settings {
		_, shown := rows[s.name]
		_, refuses := refused[s.name]
		if !shown && !refuses && provenElsewhere[s.name] == "" {
			t.Errorf("%s: no row shows that it is wired", s.name)
		}
		if _, shown := reloaded[s.name]; shown != s.reload {
			t.Errorf("%s: reload is %v, a row shows it: %v", s.name, s.reload, shown)
		}
	}
	for name, test := range provenElsewhere {
		if !slices.Contains(settingNames(), name) || !isTest(t, test) {
			t.Errorf("%s is said to be proven by %s: one of them is not there", name, test)
		}
	}
}

// isTest finds a test of this package by its name.
func isTest(t *testing.T, name string) bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && bytes.Contains(text, []byte("\nfunc "+name+"("))
	})
}

// TestShelvesAreConfigured: two intervals that only a clock could tell from
// their defaults.
func TestShelvesAreConfigured(t *testing.T) {
	var n node
	cfg := Config{RescanInterval: 7 * time.Second, DigestRate: 5 << 20}
	if got := n.storeConfig(cfg).RescanInterval; got != cfg.RescanInterval {
		t.Errorf("rescans every %v", got)
	}
	if got := n.digesterConfig(cfg).Rate; got != 5<<20 {
		t.Errorf("reads %d bytes a second for digests", got)
	}
}

// answers expects text in the answer to a call without parameters.
func answers(method, text string) func(*server) {
	return func(s *server) {
		s.t.Helper()
		if got := s.rpc(call(method)); !strings.Contains(got, text) {
			s.t.Errorf("%s: %s, want %s", method, got, text)
		}
	}
}

// replies expects the head to begin so, and the body to have text.
func replies(request, head, text string) func(*server) {
	return func(s *server) {
		s.t.Helper()
		if gotHead, body := s.send(request); !strings.HasPrefix(gotHead, head) || !strings.Contains(body, text) {
			s.t.Errorf("%.60q: %s%.200q, want %s and %.60q", request, gotHead, body, head, text)
		}
	}
}

// shows expects text in the admin status.
func shows(text string) func(*server) {
	return func(s *server) {
		s.t.Helper()
		if got := s.status(); !strings.Contains(got, text) {
			s.t.Errorf("status lacks %s: %s", text, got)
		}
	}
}

func call(method string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q}`, method)
}

// calls is a batch of n equal calls.
func calls(method string, n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(call(method)+",", n), ",") + "]"
}

// poll returns once ok does.
func (s *server) poll(what string, ok func() bool) {
	s.t.Helper()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-deadline:
			s.t.Fatalf("never: %s\n%s", what, s.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *server) keepsItsState() {
	if _, err := os.Stat(filepath.Join(s.state, "identity.json")); err != nil {
		s.t.Error(err)
	}
	s.poll("a digest is kept", func() bool {
		entries, _ := os.ReadDir(filepath.Join(s.state, "digests"))
		return len(entries) == 2
	})
}

func (s *server) listensOnLoopback() {
	want := `"listeners":[{"address":"` + s.addr + `","use":"public"},{"address":"` + s.admin + `","use":"admin"}]`
	if got := s.status(); !strings.HasPrefix(s.addr, "127.0.0.1:") || !strings.Contains(got, want) {
		s.t.Errorf("at %s: %s", s.addr, got)
	}
}

// asksForTheToken of whoever has none, and shows the status to whoever has it.
func (s *server) asksForTheToken() {
	if got := s.status(); !strings.Contains(got, "a valid token is required") {
		s.t.Errorf("without a token: %s", got)
	}
	req, err := http.NewRequest(http.MethodGet, "http://"+s.admin+"/admin/v1/status", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Errorf("with the token: %s", resp.Status)
	}
}

func (s *server) holdsWhatIsPurged() {
	if runtime.GOOS != "linux" {
		s.t.Skip("only Linux opens a file anew that has no name")
	}
	s.log.await(s.t, "served pair changed", nil)
	if err := os.Remove(filepath.Join(s.snapshots, incrAt150.String())); err != nil {
		s.t.Fatal(err)
	}
	s.log.await(s.t, `msg="archive delisted" slot=150`, nil)
	replies(request("GET", "/"+incrAt150.String()), "HTTP/1.1 200", string(zstdBytes(1000)))(s)
}

// publishesDigests in the catalogue and on the archive, and with a rate of 0
// does not so much as count those that are missing.
func (s *server) publishesDigests() {
	const pending = "solsnap_digests_pending"
	s.poll("every archive has a digest", func() bool {
		_, body := s.send(request("GET", "/v1/snapshots"))
		return strings.Count(body, `"sha256":"`) == 2
	})
	if head, _ := s.send(request("HEAD", "/"+incrAt150.String())); !strings.Contains(head, "\r\nRepr-Digest: sha-256=:") {
		s.t.Errorf("no digest: %s", head)
	}
	off := startPair(s.t, "--digest-rate", "0")
	if on, off := get(s.t, "http://"+s.admin+"/metrics"), get(s.t, "http://"+off.admin+"/metrics"); !strings.Contains(on, pending) || strings.Contains(off, pending) {
		s.t.Error("a rate of 0 computes digests")
	}
}

// pollHealth waits for the first look at the upstream, and wants the word.
func (s *server) pollHealth(want string) {
	s.t.Helper()
	word := "unknown"
	s.poll("the upstream's slot is known", func() bool {
		_, word = s.send(request("GET", "/health"))
		return word != "unknown"
	})
	if word != want {
		s.t.Errorf("health is %s, want %s", word, want)
	}
}

// asksTheUpstream for what clients call, for its slot, and for the supply.
func (s *server) asksTheUpstream() {
	answers("getBalance", `"of the upstream"`)(s)
	answers("getProgramAccounts", "-32601")(s) // it is not among the default methods
	s.pollHealth("behind")
	replies(request("GET", "/readyz"), "HTTP/1.1 200", `"slotsBehind":850`)(s)
	replies(request("GET", "/v0/total-supply"), "HTTP/1.1 200", "9")(s)
	replies(request("GET", "/v0/circulating-supply"), "HTTP/1.1 200", "7")(s)
	if metrics := get(s.t, "http://"+s.admin+"/metrics"); !strings.Contains(metrics, `solsnap_rpc_upstream_calls_total{method="getBalance",result="ok"} 1`) {
		s.t.Error("its calls are not counted")
	}
}

// limitsForwarding beyond the burst of 100; a rate of 0 does not.
func (s *server) limitsForwarding(o *outfit) {
	unlimited := startPair(s.t, "--upstream-rpc", o.upstream, "--upstream-rpc-client-rate", "0")
	for _, each := range []*server{s, unlimited} {
		if got := strings.Count(each.rpc(calls("getBalance", 100)), "of the upstream"); got != 100 {
			s.t.Errorf("%d of the first 100 calls are forwarded", got)
		}
	}
	replies(postJSON("/", call("getBalance")), "HTTP/1.1 429", "")(s)
	if got := strings.Count(unlimited.rpc(calls("getBalance", 100)), "of the upstream"); got != 100 {
		s.t.Errorf("without a limit %d of the next 100 calls are forwarded", got)
	}
}

// turnsAwaySlowHeads that have taken every place, and nobody once they are gone.
func (s *server) turnsAwaySlowHeads(places int, why string) {
	http.DefaultClient.CloseIdleConnections() // awaitReady's
	empty := func() bool { return strings.Contains(s.status(), `"connections":0,`) }
	s.poll("no connection is open", empty)
	slow := make([]net.Conn, places)
	for i := range slow {
		slow[i] = s.dial()
		_, _ = io.WriteString(slow[i], "GET /health HTTP/1.1\r\nX-Slow: ")
	}
	head, _ := s.send(request("GET", "/health"))
	if !strings.HasPrefix(head, "HTTP/1.1 503") || !strings.Contains(head, "Retry-After: ") {
		s.t.Errorf("one more: %s", head)
	}
	s.log.await(s.t, why, nil)
	for _, conn := range slow {
		conn.Close()
	}
	s.poll("no connection is open", empty)
	replies(request("GET", "/health"), "HTTP/1.1 200", "")(s)
}

// large is an archive that no socket buffer holds.
var large = snapshot.Name{Kind: snapshot.Full, Slot: 50, Hash: snapshot.Hash{4}}

// putLarge lists large, a file of holes. It appears whole, as archives do: one that
// still grows may be delisted once more.
func (s *server) putLarge() {
	s.t.Helper()
	path := putArchive(s.t, s.t.TempDir(), large, zstdBytes(100))
	if err := os.Truncate(path, 64*oneMiB); err != nil {
		s.t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path, filepath.Join(s.snapshots, large.String())); err != nil {
		s.t.Fatal(err)
	}
	s.poll("the large archive is there", func() bool { // the log says so a moment before
		head, _ := s.send(request("HEAD", "/"+large.String()))
		return strings.HasPrefix(head, "HTTP/1.1 200")
	})
}

func (s *server) refusesTheSecondDownload(why string) {
	s.putLarge()
	s.stall("/" + large.String())
	replies(request("GET", "/"+large.String()), "HTTP/1.1 503", why)(s)
}

// dropsWhoStalls within a window of a second.
func (s *server) dropsWhoStalls() {
	s.putLarge()
	s.stall("/" + large.String())
	s.log.await(s.t, "below the minimum progress rate", nil)
}

func (s *server) logsProbes() {
	replies(request("GET", "/livez"), "HTTP/1.1 200", "")(s)
	s.log.await(s.t, "path=/livez", nil)
	if !strings.Contains(s.log.String(), "level=INFO msg=request") {
		s.t.Errorf("not at level info:\n%s", s.log)
	}
}
