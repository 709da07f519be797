package main

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testKey is the key of the seed of 32 sevens. Its public half was printed by
// another implementation.
func testKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

func TestLoadIdentityMakesOne(t *testing.T) {
	c := Config{StateDir: filepath.Join(t.TempDir(), "state")}
	var log bytes.Buffer
	made, err := loadIdentity(c, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	again, err := loadIdentity(c, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if made.Pubkey() != again.Pubkey() {
		t.Error("the second start made another identity")
	}
	if !strings.Contains(log.String(), "pubkey="+made.Pubkey()) || strings.Contains(log.String(), "open to others") {
		t.Errorf("log is %q", &log)
	}
	checkMode(t, c.StateDir, 0o700)
	checkMode(t, filepath.Join(c.StateDir, "identity.json"), 0o600)
	if entries, _ := os.ReadDir(c.StateDir); len(entries) != 1 {
		t.Errorf("state directory has %v, want one file", entries)
	}
}

func checkMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %v, want %v", path, got, want)
	}
}

func TestLoadIdentityWarnsOfAnOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "id.json")
	if err := os.WriteFile(path, formatKeypair(testKey()), 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	id, err := loadIdentity(Config{Identity: path}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(id.key, testKey()) {
		t.Error("read another key than was written")
	}
	if !strings.Contains(log.String(), "identity file is open to others") {
		t.Errorf("log is %q, want a warning", &log)
	}
}

func TestIdentityDoesNotShowItsPrivateHalf(t *testing.T) {
	id := identity{testKey()}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("identity", "id", id)
	fmt.Fprintf(&log, "%v %+v %#v %s", id, id, id, id)
	if secret := "7 7 7"; strings.Contains(log.String(), secret) || !strings.Contains(log.String(), id.Pubkey()) {
		t.Errorf("prints %q", &log)
	}
}

func TestCreateIdentityLeavesNothingWhenItFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "identity.json")
	if err := os.Mkdir(path, 0o700); err != nil { // no file can be renamed to it
		t.Fatal(err)
	}
	_, err := createIdentity(path, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "check that state-dir is writable and has space") {
		t.Errorf("error is %v, want the next step", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left %v", entries)
	}
}

func TestParseKeypair(t *testing.T) {
	good := string(formatKeypair(testKey()))
	for name, test := range map[string]struct{ text, wantErr string }{
		"good":             {good, ""},
		"spaced":           {" [\n" + strings.ReplaceAll(good[1:], ",", " ,\n ") + "\n", ""},
		"empty":            {"", "no JSON array"},
		"an object":        {"{}", "no JSON array"},
		"null":             {"null", "0 numbers, want 64"},
		"seed alone":       {"[" + strings.TrimSuffix(strings.Repeat("7,", 32), ",") + "]", "32 numbers, want 64"},
		"one too many":     {strings.Replace(good, "[", "[1,", 1), "65 numbers, want 64"},
		"256":              {strings.Replace(good, "[7", "[256", 1), "from 0 to 255"},
		"negative":         {strings.Replace(good, "[7", "[-1", 1), "from 0 to 255"},
		"fraction":         {strings.Replace(good, "[7", "[7.5", 1), "from 0 to 255"},
		"null among them":  {strings.Replace(good, "[7", "[null", 1), "null among"},
		"text":             {strings.Replace(good, "[7", `["7"`, 1), "from 0 to 255"},
		"something after":  {good + "[]", "no JSON array"},
		"other public key": {strings.Replace(good, "[7", "[8", 1), "does not belong"},
		"endless":          {good + strings.Repeat(" ", maxKeypairText), "more than 4096 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := parseKeypair([]byte(test.text))
			if test.wantErr == "" {
				if err != nil || !bytes.Equal(key, testKey()) {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("error is %v, want %q in it", err, test.wantErr)
			}
		})
	}
}

func FuzzParseKeypair(f *testing.F) {
	f.Add(formatKeypair(testKey()))
	f.Add([]byte("[null]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := parseKeypair(text)
		if err != nil {
			return
		}
		again, err := parseKeypair(formatKeypair(key))
		if err != nil || !bytes.Equal(again, key) {
			t.Errorf("%s does not survive a second time: %v", text, err)
		}
	})
}
