package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"solsnap/snapshot"
)

// house is a ledger and a state directory with a Genesis over them.
type house struct {
	ledger, state string
	log           *bytes.Buffer
	*Genesis
}

func newHouse(t *testing.T, expected *snapshot.Hash) *house {
	t.Helper()
	h := &house{ledger: t.TempDir(), state: filepath.Join(t.TempDir(), "state"), log: new(bytes.Buffer)}
	logger := slog.New(slog.NewTextHandler(h.log, nil))
	h.Genesis = NewGenesis(GenesisConfig{LedgerDir: h.ledger, StateDir: h.state, Expected: expected, Logger: logger})
	return h
}

func (h *house) archive() string { return filepath.Join(h.ledger, "genesis.tar.bz2") }
func (h *house) bin() string     { return filepath.Join(h.ledger, "genesis.bin") }

// serves checks that hash and bytes agree and are those of bin.
func (h *house) serves(t *testing.T, bin []byte) {
	t.Helper()
	if hash, ok := h.Hash(); !ok || hash != GenesisHash(bin) {
		t.Errorf("Hash = %v, %v, want %v", hash, ok, GenesisHash(bin))
	}
	file, err := h.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got, err := ReadGenesisArchive(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, bin) {
		t.Error("Open gives another genesis than Hash says")
	}
}

func (h *house) servesNothing(t *testing.T) {
	t.Helper()
	if hash, ok := h.Hash(); ok {
		t.Errorf("Hash = %v, want none", hash)
	}
	if _, err := h.Open(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v, want fs.ErrNotExist", err)
	}
}

func (h *house) load(t *testing.T) {
	t.Helper()
	if err := h.Load(); err != nil {
		t.Fatal(err)
	}
}

func (h *house) loadFails(t *testing.T, parts ...string) {
	t.Helper()
	err := h.Load()
	if err == nil {
		t.Fatal("Load accepted it")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not have %q", err, part)
		}
	}
}

// demoGenesis and otherGenesis are of two clusters.
func demoGenesis() []byte  { return genesisAt(1) }
func otherGenesis() []byte { return genesisAt(2) }

func genesisAt(seconds int64) []byte {
	cluster := DevelopmentCluster(time.Unix(seconds, 0))
	return cluster.GenesisBin()
}

func TestGenesisArchiveIsServedAsItIs(t *testing.T) {
	h := newHouse(t, nil)
	writeGenesisFile(t, h.archive(), demoGenesis())
	h.load(t)
	h.serves(t, demoGenesis())
	served, err := h.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	if served.Name() != h.archive() {
		t.Errorf("serves %s, want the ledger's own", served.Name())
	}
	if _, err := os.Stat(h.state); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("state directory was touched: %v", err)
	}
}

func TestGenesisIsBuiltFromBinOnce(t *testing.T) {
	h := newHouse(t, nil)
	writeFile(t, h.bin(), demoGenesis())
	h.load(t)
	h.serves(t, demoGenesis())
	built := onlyFile(t, h.state)
	if want := "genesis-" + GenesisHash(demoGenesis()).String() + ".tar.bz2"; built.Name() != want {
		t.Errorf("state directory has %s, want %s", built.Name(), want)
	}

	again := NewGenesis(GenesisConfig{LedgerDir: h.ledger, StateDir: h.state})
	if err := again.Load(); err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(built, onlyFile(t, h.state)) {
		t.Error("the archive was built a second time")
	}
}

func onlyFile(t *testing.T, dir string) fs.FileInfo {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Fatalf("%s has %v, want one file", dir, entries)
	}
	info, err := entries[0].Info()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// The state directory survives crashes and tampering: what is in it is read
// back before it is trusted.
func TestGenesisBuiltArchiveIsVerified(t *testing.T) {
	h := newHouse(t, nil)
	writeFile(t, h.bin(), demoGenesis())
	h.load(t)
	path := filepath.Join(h.state, onlyFile(t, h.state).Name())
	for name, damage := range map[string]func(){
		"truncated":        func() { writeFile(t, path, []byte("BZh9")) },
		"of another":       func() { writeGenesisFile(t, path, otherGenesis()) },
		"removed":          func() { remove(t, path) },
		"a symbolic link":  func() { remove(t, path); symlink(t, h.bin(), path) },
		"damaged in place": func() { overwrite(t, path) },
	} {
		t.Run(name, func(t *testing.T) {
			damage()
			h.load(t)
			h.serves(t, demoGenesis())
			onlyFile(t, h.state)
		})
	}
}

func TestGenesisStateDirectoryTrouble(t *testing.T) {
	h := newHouse(t, nil)
	writeFile(t, h.bin(), demoGenesis())
	writeFile(t, h.state, []byte("a file where the directory should be"))
	h.loadFails(t, "state directory "+h.state, "check that it is writable and has space")
	h.servesNothing(t)

	remove(t, h.state)
	h.load(t)
	h.serves(t, demoGenesis())
}

func TestGenesisAbsentIsNoError(t *testing.T) {
	h := newHouse(t, nil)
	h.load(t)
	h.servesNothing(t)
}

func TestGenesisMismatch(t *testing.T) {
	demo, other := GenesisHash(demoGenesis()), GenesisHash(otherGenesis())
	t.Run("archive and bin", func(t *testing.T) {
		h := newHouse(t, nil)
		writeGenesisFile(t, h.archive(), demoGenesis())
		writeFile(t, h.bin(), otherGenesis())
		h.loadFails(t, demo.String(), other.String(), h.archive(), h.bin())
		h.servesNothing(t)
	})
	t.Run("archive and expected", func(t *testing.T) {
		h := newHouse(t, &other)
		writeGenesisFile(t, h.archive(), demoGenesis())
		h.loadFails(t, demo.String(), other.String(), h.archive())
		h.servesNothing(t)
	})
	t.Run("bin and expected", func(t *testing.T) {
		h := newHouse(t, &other)
		writeFile(t, h.bin(), demoGenesis())
		h.loadFails(t, demo.String(), other.String(), h.bin())
		h.servesNothing(t)
	})
	t.Run("all agree", func(t *testing.T) {
		h := newHouse(t, &demo)
		writeGenesisFile(t, h.archive(), demoGenesis())
		writeFile(t, h.bin(), demoGenesis())
		h.load(t)
		h.serves(t, demoGenesis())
	})
	t.Run("after a good one", func(t *testing.T) {
		h := newHouse(t, &demo)
		writeGenesisFile(t, h.archive(), demoGenesis())
		h.load(t)
		writeGenesisFile(t, h.archive(), otherGenesis())
		h.loadFails(t, demo.String(), other.String())
		h.servesNothing(t)
	})
}

func TestGenesisFollowsChanges(t *testing.T) {
	h := newHouse(t, nil)
	writeFile(t, h.bin(), demoGenesis())
	h.load(t)
	writeFile(t, h.bin(), otherGenesis())
	h.load(t)
	h.serves(t, otherGenesis())

	remove(t, h.bin())
	writeGenesisFile(t, h.archive(), demoGenesis())
	h.load(t)
	h.serves(t, demoGenesis())
}

func TestGenesisKeepsThePreviousOverABrokenOne(t *testing.T) {
	for name, damage := range map[string]func(h *house){
		"truncated": func(h *house) { writeFile(t, h.archive(), []byte("BZh9")) },
		"link": func(h *house) {
			remove(t, h.archive())
			symlink(t, "/etc/passwd", h.archive())
		},
		"away": func(h *house) { remove(t, h.archive()) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, nil)
			writeGenesisFile(t, h.archive(), demoGenesis())
			h.load(t)
			damage(h)
			if err := h.Load(); (err == nil) != (name == "away") {
				t.Errorf("Load: %v", err)
			}
			if runtime.GOOS != "linux" {
				t.Skip("replaced files cannot be reopened on this system")
			}
			h.serves(t, demoGenesis())
		})
	}
}

// Bytes that were overwritten in place are gone: rather nothing than the wrong
// thing.
func TestGenesisOverwrittenInPlaceIsNotServed(t *testing.T) {
	h := newHouse(t, nil)
	writeGenesisFile(t, h.archive(), demoGenesis())
	h.load(t)
	overwrite(t, h.archive())
	if _, err := h.Open(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v, want fs.ErrNotExist", err)
	}
}

func TestGenesisRefusesWhatIsNoRegularFile(t *testing.T) {
	for name, make := range map[string]func(path string){
		"symbolic link": func(path string) {
			target := filepath.Join(t.TempDir(), "real")
			writeGenesisFile(t, target, demoGenesis())
			symlink(t, target, path)
		},
		"no regular file": func(path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, nil)
			make(h.archive())
			h.loadFails(t, h.archive(), name)
			h.servesNothing(t)
		})
	}
}

func TestGenesisOpenGivesEachCallerItsOwnOffset(t *testing.T) {
	h := newHouse(t, nil)
	writeGenesisFile(t, h.archive(), demoGenesis())
	h.load(t)
	first, err := h.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := first.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	h.serves(t, demoGenesis())
}

func TestGenesisRunWaitsForTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- h.Run(ctx) }()

		time.Sleep(time.Minute)
		synctest.Wait()
		h.servesNothing(t)
		if n := strings.Count(h.log.String(), "no genesis in the ledger directory"); n != 1 {
			t.Errorf("warned %d times in a minute, want once:\n%s", n, h.log)
		}

		writeFile(t, h.bin(), demoGenesis())
		time.Sleep(genesisInterval)
		synctest.Wait()
		h.serves(t, demoGenesis())

		writeFile(t, h.bin(), nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		h.serves(t, demoGenesis())
		if n := strings.Count(h.log.String(), "genesis not loaded"); n != 1 {
			t.Errorf("logged one trouble %d times, want once:\n%s", n, h.log)
		}

		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// overwrite changes a byte in place, as no careful operator would.
func overwrite(t *testing.T, path string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte{0xff}, 20); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
}
