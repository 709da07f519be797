package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
)

const small = 256 << 10

// TestFetchFromANode that serves and is named, everything there is.
func TestFetchFromANode(t *testing.T) {
	f := newField(t, small)
	s := f.serve()
	got := f.fetch("--origin", "http://"+s.addr, "--expected-genesis-hash", f.genesis.String(), "--require", "accounts", "--explain")
	f.succeeds(got, f.full, f.incremental)
	if got.Full.Proven != archive.TierAccounts || got.Incremental.Proven != archive.TierAccounts || *got.Slot != 1040 || got.Behind != 0 {
		t.Errorf("%+v %+v", got.Full, got.Incremental)
	}
	if got.Genesis.Hash != f.genesis {
		t.Errorf("genesis is %+v", got.Genesis)
	}
	if bin, err := os.ReadFile(filepath.Join(f.target, "genesis.bin")); err != nil || archive.GenesisHash(bin) != f.genesis {
		t.Errorf("genesis.bin: %v", err)
	}
	if plans := got.Choice.Plans; len(plans) != 1 || plans[0].Incremental.Archive != f.incremental.String() || plans[0].Full.Bytes != int64(len(f.content(f.full))) {
		t.Errorf("plans %+v", plans)
	}
	again := f.fetch("--origin", "http://"+s.addr)
	f.succeeds(again, f.full, f.incremental)
	if !again.Full.Reused || !again.Incremental.Reused || !again.Genesis.Reused {
		t.Errorf("nothing was to be done, but %+v %+v", again.Full, again.Incremental)
	}
}

// TestFetchFromAPlainOrigin: no ranges, no tags, no digests, no genesis.
func TestFetchFromAPlainOrigin(t *testing.T) {
	f := newField(t, small)
	o := &plainOrigin{field: f}
	f.succeeds(f.fetch("--origin", o.start()), f.full, f.incremental)
	if !strings.Contains(f.log.String(), "no source has the genesis") {
		t.Error("nothing is said of the genesis")
	}
}

// TestFetchRefreshesTheIncremental on a full archive that is there, of which not a
// byte is downloaded.
func TestFetchRefreshesTheIncremental(t *testing.T) {
	f := newField(t, small)
	o := &plainOrigin{field: f}
	putArchive(t, f.target, f.full, f.content(f.full))
	got := f.fetch("--origin", o.start())
	f.succeeds(got, f.full, f.incremental)
	if !got.Full.Reused || got.Incremental.Reused || o.times(f.full.String()) != 0 {
		t.Errorf("%+v %+v, and the full was asked for %d times", got.Full, got.Incremental, o.times(f.full.String()))
	}
}

// TestFetchWhatIsAsked: a slot, or the full alone.
func TestFetchWhatIsAsked(t *testing.T) {
	for name, tt := range map[string]struct {
		flags []string
		pair  bool
		code  int
	}{
		"the full alone":           {[]string{"--full-only"}, false, exitOK},
		"the slot of the full":     {[]string{"--slot", "1000"}, false, exitOK},
		"the slot of both":         {[]string{"--slot", "1040"}, true, exitOK},
		"a slot that nobody has":   {[]string{"--slot", "1020", "--discovery-timeout", "1s"}, false, exitNoSource},
		"a genesis of another":     {[]string{"--expected-genesis-hash", snapshot.Hash{1}.String()}, false, exitFalse},
		"in time":                  {[]string{"--timeout", "1h"}, true, exitOK},
		"no faster than it may be": {[]string{"--limit-rate", "20MiB"}, true, exitOK},
	} {
		t.Run(name, func(t *testing.T) {
			f := newField(t, small)
			got := f.fetch(append(tt.flags, "--origin", "http://"+f.serve().addr)...)
			if got.code != tt.code {
				t.Errorf("exit %d, want %d: %v", got.code, tt.code, got.err)
			}
			names := []snapshot.Name{f.full, f.incremental}
			if !tt.pair {
				names = names[:1]
			}
			if tt.code != exitOK {
				names = nil
			}
			f.has(names...)
		})
	}
}

// TestFetchFromTwoNodes, which are measured.
func TestFetchFromTwoNodes(t *testing.T) {
	f := newField(t, small)
	one, two := f.serve(), f.serve()
	got := f.fetch("--origin", "http://"+one.addr+",http://"+two.addr, "--explain")
	f.succeeds(got, f.full, f.incremental)
	for _, p := range got.Choice.Plans[0].Full.Sources {
		if !p.Measured || p.Speed <= 0 {
			t.Errorf("%+v", p)
		}
	}
	if n := len(got.Choice.Plans[0].Full.Sources); n != 2 {
		t.Errorf("%d sources", n)
	}
}

// TestFetchTakesTheOlderPair when nobody has the newer one as it should be.
func TestFetchTakesTheOlderPair(t *testing.T) {
	f := newField(t, small)
	newer := newFieldAt(t, small, 2000)
	bad := &plainOrigin{field: newer, answer: func(w http.ResponseWriter, _ *http.Request, _ snapshot.Name) bool {
		_, _ = writeWhole(w, zstdBytes(1000))
		return true
	}}
	got := f.fetch("--origin", bad.start(), "--origin", (&plainOrigin{field: f}).start())
	f.succeeds(got, f.full, f.incremental)
}

// TestFetchTakesTheNextIncremental when the one that was to be had has gone, as it
// may while the full archive comes.
func TestFetchTakesTheNextIncremental(t *testing.T) {
	f := newField(t, small)
	o := &plainOrigin{field: f}
	next, err := archive.NewLedger(archive.LedgerConfig{Dir: f.dir, CreatedAt: time.Unix(1_700_000_000, 0), FullBytes: small, IncrementalBytes: 64 << 10}).WriteIncremental(1000, 1080)
	if err != nil {
		t.Fatal(err)
	}
	o.answer = func(http.ResponseWriter, *http.Request, snapshot.Name) bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.newest = next // from the first download on
		return false
	}
	f.succeeds(f.fetch("--origin", o.start(), "--require", "accounts"), f.full, next)
}

// TestFetchByGossip from the one node that is known, which nobody has named as a
// server.
func TestFetchByGossip(t *testing.T) {
	f := newField(t, small)
	s := f.serve(gossipFlags("--gossip-mode", "full")...)
	s.poll("the node knows the shred version", func() bool { return s.gossip().ShredVersion != nil })
	known := s.gossip().Pubkey
	got := f.fetch("--entrypoint", s.gossipAddr(), "--known-validator", known, "--only-known-rpc", "--discovery-timeout", "60s")
	f.succeeds(got, f.full, f.incremental)
	if urls := got.Full.Sources; len(urls) != 1 || urls[0].URL != "http://"+s.addr {
		t.Errorf("from %+v", urls)
	}
	stranger := snapshot.Hash{7}.String()
	f.target += "-2"
	got = f.fetch("--entrypoint", s.gossipAddr(), "--known-validator", stranger, "--origin", "http://"+s.addr, "--explain", "--discovery-timeout", "3s")
	if got.code != exitUntrusted || got.Error.Kind != untrusted || !strings.Contains(got.err.Error(), "0 of 1 known validators were heard") {
		t.Errorf("exit %d: %v", got.code, got.err)
	}
	if !slices.ContainsFunc(got.Choice.Refused, func(r refusalView) bool { return r.Reason == "not-vouched-for" }) {
		t.Errorf("refused %+v", got.Choice.Refused)
	}
	f.has()
}

// TestFetchToStdout: the very bytes, and nothing stays.
func TestFetchToStdout(t *testing.T) {
	f := newField(t, small)
	origin := (&plainOrigin{field: f}).start()
	for name, prepare := range map[string]func(){
		"beside the snapshots":    func() { mkdir(t, f.target) },
		"in the state directory":  func() {},
		"what is there is no one": func() { putArchive(t, f.target, f.full, f.content(f.full)) },
	} {
		t.Run(name, func(t *testing.T) {
			f.target = filepath.Join(t.TempDir(), "target")
			prepare()
			state := t.TempDir()
			var out bytes.Buffer
			args := []string{"fetch", "--ledger", f.target, "--state-dir", state, "--origin", origin, "-o", "-"}
			if err := run(context.Background(), args, strings.NewReader(""), &out, f.log); err != nil {
				t.Fatalf("%v\n%s", err, f.log)
			}
			if !bytes.Equal(out.Bytes(), f.content(f.full)) {
				t.Errorf("%d bytes on stdout, want the %d of the archive", out.Len(), len(f.content(f.full)))
			}
			if _, err := os.Stat(filepath.Join(f.target, f.full.String())); err == nil {
				f.has(f.full)
			} else {
				f.has()
			}
			if left, _ := filepath.Glob(filepath.Join(state, "fetch", ".*")); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}
