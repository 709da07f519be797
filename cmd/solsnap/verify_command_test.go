package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program runs the program in this process.
func program(t *testing.T, args ...string) (stdout string, code int, err error) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	var out strings.Builder
	err = run(context.Background(), args, strings.NewReader(""), &out, &logBuffer{})
	return out.String(), report(&logBuffer{}, err), err
}

// sigPair copies the pair that Agave wrote, with which the tests of the reader
// and of the hashes work, too.
func sigPair(t *testing.T) (dir, full, incremental string) {
	t.Helper()
	fixtures := filepath.Join("..", "..", "..", "shared", "fixtures", "snapshots", "sig-v1")
	if _, err := os.Stat(fixtures); err != nil {
		t.Skipf("no fixtures beside the repository: %v", err)
	}
	dir = t.TempDir()
	full = "snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar.zst"
	incremental = "incremental-snapshot-1-4-43FT6mnmRW9XbxpCzqH3ogYexHXboG7d8vmf3gBLvLrR.tar.zst"
	for _, name := range []string{full, incremental} {
		content, err := os.ReadFile(filepath.Join(fixtures, name))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name), content)
	}
	return dir, filepath.Join(dir, full), filepath.Join(dir, incremental)
}

// TestVerifyCommand: what is said, and with which code it exits.
func TestVerifyCommand(t *testing.T) {
	dir, full, incremental := sigPair(t)
	damaged := filepath.Join(dir, "damaged", filepath.Base(full))
	content, err := os.ReadFile(full)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 0xff
	if err := os.Mkdir(filepath.Dir(damaged), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, damaged, content)
	lonely := filepath.Join(dir, "lonely", filepath.Base(incremental))
	if err := os.Mkdir(filepath.Dir(lonely), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(incremental, lonely); err != nil {
		t.Fatal(err)
	}
	misnamed := filepath.Join(dir, "snapshot-1-abc.tar.zst")
	writeFile(t, misnamed, content)
	for name, tt := range map[string]struct {
		args []string
		code int
		out  string // in what is printed
		err  string
	}{
		"a full archive":              {[]string{full}, exitOK, "proven    accounts", ""},
		"a pair":                      {[]string{incremental}, exitOK, "with      snapshot-1-", ""},
		"a pair by --base":            {[]string{lonely, "--base", full}, exitOK, "21 live with 1,000,001.217783168 SOL", ""},
		"an incremental alone":        {[]string{lonely}, exitFailed, "", "name it with --base"},
		"its manifest":                {[]string{lonely, "--tier", "manifest"}, exitOK, "proven    manifest", ""},
		"an incremental for its base": {[]string{lonely, "--base", incremental}, exitUsage, "", "is not the full archive of slot 1"},
		"damaged":                     {[]string{damaged}, exitFalse, "FAILED    manifest", "the archive is not what it claims to be"},
		"damaged, by name":            {[]string{damaged, "--tier", "name"}, exitOK, "proven    name", ""},
		"good and damaged":            {[]string{full, damaged}, exitFalse, "proven    accounts", "1 of 2 archives"},
		"misnamed":                    {[]string{misnamed}, exitFalse, "FAILED    name", "not what it claims"},
		"missing":                     {[]string{filepath.Join(dir, "x.tar.zst")}, exitFailed, "", "no such file"},
		"a directory":                 {[]string{dir}, exitFailed, "", "is no regular file"},
		"nothing":                     {nil, exitUsage, "", "needs an archive"},
		"no such tier":                {[]string{full, "--tier", "best"}, exitUsage, "", "name, structure, manifest, accounts"},
	} {
		t.Run(name, func(t *testing.T) {
			out, code, err := program(t, append([]string{"verify"}, tt.args...)...)
			if code != tt.code || !strings.Contains(out, tt.out) || (tt.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("exit %d, want %d; %v\n%s", code, tt.code, err, out)
			}
		})
	}
}

func TestVerifyPrintsJSON(t *testing.T) {
	_, full, incremental := sigPair(t)
	out, _, err := program(t, "verify", "--json", full, incremental)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	for _, want := range []string{"", filepath.Base(full)} {
		var v verdict
		if err := decoder.Decode(&v); err != nil {
			t.Fatal(err)
		}
		if !v.OK || v.Failure != nil || v.Live != 21 || want != "" && (v.Base == nil || *v.Base != want) {
			t.Errorf("%+v", v)
		}
	}
	if decoder.More() {
		t.Error("more than two objects")
	}
}

// TestInspectCommand reads heads of files and of what a server has.
func TestInspectCommand(t *testing.T) {
	dir, full, incremental := sigPair(t)
	s := startServe(t, nil, "--snapshots", dir)
	s.log.await(t, "incremental=incremental-snapshot-1-4-", nil)
	for name, tt := range map[string]struct {
		args []string
		code int
		out  []string
		err  string
	}{
		"full":        {[]string{full}, exitOK, []string{"slot 1\n", "Dgs61Pmeu7XYD5122c2Gr3bYDsWi5zQHLm2jvofbW3GX", "1,000,001.217798168 SOL", "agave, zstd"}, ""},
		"incremental": {[]string{incremental}, exitOK, []string{"slot 4 on base 1", "8e8HsAXGpV5fNBf1c3AancsRjt1F7GKFZGziNMhiQoBR"}, ""},
		"address":     {[]string{"http://" + s.addr + "/incremental-snapshot.tar.bz2"}, exitOK, []string{"slot 4 on base 1", "fetched"}, ""},
		"json":        {[]string{full, "--json"}, exitOK, []string{`"capitalization": "1000001217798168"`, `"shredVersion": 9926`}, ""},
		"frames":      {[]string{full, "--frames"}, exitOK, []string{"zstd frames", "1 of 2 blocks"}, ""},
		"frames afar": {[]string{"http://" + s.addr + "/snapshot.tar.bz2", "--frames"}, exitUsage, nil, "download it first"},
		"an account": {[]string{full, "--accounts", "SysvarRent111111111111111111111111111111111"}, exitOK,
			[]string{"owner       Sysvar1111111111111111111111111111111111111", "data        17 bytes"}, ""},
		"no such account": {[]string{full, "--accounts", "SysvarRent111111111111111111111111111111112"}, exitFailed, nil, "is not in"},
		"no account":      {[]string{full, "--accounts", "me"}, exitUsage, nil, "is no address"},
		"account afar":    {[]string{"http://127.0.0.1:1/x", "--accounts", "SysvarRent111111111111111111111111111111111"}, exitUsage, nil, "download it first"},
		"no archive":      {[]string{os.Args[0]}, exitFailed, nil, "open archive"},
		"nobody there":    {[]string{"http://127.0.0.1:1/x"}, exitFailed, nil, "refused"},
		"two":             {[]string{full, full}, exitUsage, nil, "needs one archive"},
	} {
		t.Run(name, func(t *testing.T) {
			out, code, err := program(t, append([]string{"inspect"}, tt.args...)...)
			if code != tt.code || (tt.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("exit %d, want %d: %v", code, tt.code, err)
			}
			for _, want := range tt.out {
				if !strings.Contains(out, want) {
					t.Errorf("output lacks %q:\n%s", want, out)
				}
			}
		})
	}
	var usage *usageError
	if _, _, err := program(t, "inspect"); !errors.As(err, &usage) {
		t.Errorf("no argument: %v", err)
	}
}
