package main

import (
	"archive/tar"
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/lthash"
	"solsnap/snapshot/archive/manifest"
)

// bankOf is an archive with nothing but the manifest of a bank, and its name.
func bankOf(t *testing.T, name snapshot.Name, capitalization uint64) (snapshot.Name, []byte) {
	t.Helper()
	m := &manifest.Manifest{Tail: manifest.TailBlockID}
	m.Bank.Slot, m.Bank.BlockHeight, m.Bank.Capitalization = name.Slot, uint64(name.Slot)-1, capitalization
	m.Extra.AccountsLtHash = &[2048]byte{byte(name.Slot)}
	name.Hash = lthash.FromBytes(m.Extra.AccountsLtHash).Checksum()
	var content, packed bytes.Buffer
	if err := m.Encode(&content); err != nil {
		t.Fatal(err)
	}
	frames, err := zstd.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	slot := name.Slot.String()
	members := tar.NewWriter(frames)
	for _, err := range []error{
		members.WriteHeader(&tar.Header{Name: "version", Size: 5, Mode: 0o644, Format: tar.FormatUSTAR}),
		write(members, []byte("1.2.0")),
		members.WriteHeader(&tar.Header{Name: "snapshots/" + slot + "/" + slot, Size: int64(content.Len()), Mode: 0o644, Format: tar.FormatUSTAR}),
		write(members, content.Bytes()),
		members.Close(), frames.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return name, packed.Bytes()
}

func write(w *tar.Writer, b []byte) error {
	_, err := w.Write(b)
	return err
}

// TestBankOfTheServedPair: the methods and the supply follow the newest archive
// of the served pair, and readiness does not wait for it.
func TestBankOfTheServedPair(t *testing.T) {
	full, fullBytes := bankOf(t, snapshot.Name{Slot: 100}, 500_000_000)
	incremental, incrementalBytes := bankOf(t, snapshot.Name{Kind: snapshot.Incremental, Base: 100, Slot: 150}, 123_000_000_001)
	s := startServe(t, func(dir string) { putArchive(t, dir, full, fullBytes) })
	const ask = `[{"jsonrpc":"2.0","id":1,"method":"getBlockHeight"},{"jsonrpc":"2.0","id":2,"method":"getInflationGovernor"},{"jsonrpc":"2.0","id":3,"method":"getSupply"}]`
	expect := func(height, supply string) {
		t.Helper()
		want := `[{"jsonrpc":"2.0","result":` + height + `,"id":1},` +
			`{"jsonrpc":"2.0","result":{"foundation":0.0,"foundationTerm":0.0,"initial":0.0,"taper":0.0,"terminal":0.0},"id":2},` +
			`{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":3}]` + "\n"
		if got := s.rpc(ask); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		if _, body := s.send(request("GET", "/v0/total-supply")); body != supply {
			t.Errorf("total supply is %q, want %q", body, supply)
		}
		if head, _ := s.send(request("GET", "/v0/circulating-supply")); !strings.HasPrefix(head, "HTTP/1.1 404") {
			t.Errorf("circulating supply: %s", head)
		}
	}
	s.log.await(t, `msg="bank manifest decoded" slot=100`, nil)
	expect("99", "0.5")
	putArchive(t, s.snapshots, incremental, incrementalBytes)
	s.log.await(t, `msg="bank manifest decoded" slot=150`, nil)
	expect("149", "123.000000001")
}

// TestBankBesideADeadUpstream stands in for it.
func TestBankBesideADeadUpstream(t *testing.T) {
	full, body := bankOf(t, snapshot.Name{Slot: 100}, 500_000_000)
	s := startServe(t, func(dir string) { putArchive(t, dir, full, body) }, "--upstream-rpc", "http://127.0.0.1:1")
	s.log.await(t, `msg="bank manifest decoded" slot=100`, nil)
	if got, want := s.rpc(`{"jsonrpc":"2.0","id":1,"method":"getBlockHeight"}`), `{"jsonrpc":"2.0","result":99,"id":1}`+"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, supply := s.send(request("GET", "/v0/total-supply")); supply != "0.5" {
		t.Errorf("total supply is %q", supply)
	}
	if head, _ := s.send(request("GET", "/v0/circulating-supply")); !strings.HasPrefix(head, "HTTP/1.1 404") {
		t.Errorf("circulating supply: %s", head)
	}
}

// TestNoBankOfNoise: what is no archive leaves everything else as it was.
func TestNoBankOfNoise(t *testing.T) {
	s := startPair(t)
	s.log.await(t, `level=WARN msg="bank manifest not decoded; JSON-RPC goes on with the last one, if any" path=`, nil)
	if got := s.rpc(`{"jsonrpc":"2.0","id":1,"method":"getEpochInfo"}`); !strings.Contains(got, `"code":-32005`) {
		t.Errorf("getEpochInfo: %s", got)
	}
	if head, _ := s.send(request("GET", "/v0/total-supply")); !strings.HasPrefix(head, "HTTP/1.1 404") {
		t.Errorf("total supply: %s", head)
	}
	resp, err := http.Get("http://" + s.addr + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("ready: %s", resp.Status)
	}
}

// TestBankOfARealPair is the pair that Agave itself wrote.
func TestBankOfARealPair(t *testing.T) {
	const fixtures = "../../../shared/fixtures/snapshots/sig-v1"
	archives, err := filepath.Glob(fixtures + "/*.tar.zst")
	if err != nil || len(archives) != 2 {
		t.Skipf("no pair in %s beside the repository", fixtures)
	}
	s := startServe(t, func(dir string) {
		for _, path := range archives {
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name, err := snapshot.ParseName(filepath.Base(path))
			if err != nil {
				t.Fatal(err)
			}
			putArchive(t, dir, name, body)
		}
	})
	s.log.await(t, `msg="bank manifest decoded" slot=4`, nil)
	want := `{"jsonrpc":"2.0","result":{"absoluteSlot":4,"blockHeight":4,"epoch":0,"slotIndex":4,"slotsInEpoch":32,"transactionCount":9},"id":1}` + "\n"
	if got := s.rpc(`{"jsonrpc":"2.0","id":1,"method":"getEpochInfo"}`); got != want {
		t.Errorf("got %s", got)
	}
	if _, body := s.send(request("GET", "/v0/total-supply")); body != "1000001.217783168" {
		t.Errorf("total supply is %q", body)
	}
}
