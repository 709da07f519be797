package archive

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dsnet/compress/bzip2"
)

// The hashes that the clusters' operators publish.
func TestGenesisHashOfRealClusters(t *testing.T) {
	for name, want := range map[string]string{
		"genesis/mainnet_genesis.bin": "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d",
		"genesis/testnet_genesis.bin": "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY",
		"genesis/devnet_genesis.bin":  "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG",
		"sig-v1/genesis.bin":          "8e8HsAXGpV5fNBf1c3AancsRjt1F7GKFZGziNMhiQoBR",
	} {
		t.Run(name, func(t *testing.T) {
			bin := fixture(t, name)
			if got := GenesisHash(bin).String(); got != want {
				t.Errorf("GenesisHash = %s, want %s", got, want)
			}
			roundTrip(t, bin)
		})
	}
}

func TestReadGenesisArchiveOfMainnet(t *testing.T) {
	contents, err := readGenesisArchive(bytes.NewReader(fixture(t, "genesis/mainnet-genesis.tar.bz2")))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(contents.bin, fixture(t, "genesis/mainnet_genesis.bin")) {
		t.Error("genesis.bin in the archive differs from the one beside it")
	}
	if !contents.first {
		t.Error("genesis.bin is not reported as the first member")
	}
}

func roundTrip(t *testing.T, bin []byte) {
	t.Helper()
	var first, second bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := WriteGenesisArchive(w, bin); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("equal input gave different archives")
	}
	got, err := ReadGenesisArchive(&first)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, bin) {
		t.Error("what was read is not what was written")
	}
}

// Clients unpack with libbz2 and their own tar readers, not with ours.
func TestRealToolsUnpackOurArchive(t *testing.T) {
	for _, tool := range []string{"tar", "bzip2"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "genesis.tar.bz2")
	want := demoGenesis()
	writeGenesisFile(t, path, want)
	for _, command := range [][]string{{"bzip2", "--test", path}, {"tar", "-xjf", path, "-C", dir}} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
	}
	got, err := os.ReadFile(filepath.Join(dir, "genesis.bin"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("tar unpacked other bytes than were packed")
	}
}

func TestReadGenesisArchiveMembers(t *testing.T) {
	bin := regular("genesis.bin", "the genesis")
	many := []tar.Header{bin}
	for range maxGenesisEntries {
		many = append(many, regular("rocksdb/CURRENT", ""))
	}
	for name, test := range map[string]struct {
		members []tar.Header
		wantErr string // empty: accepted
		late    bool   // genesis.bin is not first
	}{
		"genesis alone":            {members: []tar.Header{bin}},
		"with rocksdb":             {members: []tar.Header{bin, directory("rocksdb/"), regular("rocksdb/000008.sst", "x"), directory("rocksdb_fifo"), regular("rocksdb_fifo/LOCK", "")}},
		"after rocksdb":            {members: []tar.Header{directory("rocksdb/"), bin}, late: true},
		"a hundred members":        {members: many[:maxGenesisEntries]},
		"a hundred and one":        {members: many, wantErr: "more than 100 members"},
		"none":                     {wantErr: "no genesis.bin"},
		"only rocksdb":             {members: []tar.Header{directory("rocksdb/")}, wantErr: "no genesis.bin"},
		"empty genesis":            {members: []tar.Header{regular("genesis.bin", "")}, wantErr: "no genesis.bin"},
		"genesis twice":            {members: []tar.Header{bin, bin}, wantErr: `second member "genesis.bin"`},
		"with dot":                 {members: []tar.Header{regular("./genesis.bin", "x")}, wantErr: `"./genesis.bin"`},
		"absolute":                 {members: []tar.Header{bin, regular("/etc/passwd", "x")}, wantErr: `"/etc/passwd"`},
		"climbing out":             {members: []tar.Header{bin, regular("rocksdb/../../x", "x")}, wantErr: `"rocksdb/../../x"`},
		"dot dot":                  {members: []tar.Header{bin, regular("rocksdb/..", "x")}, wantErr: `"rocksdb/.."`},
		"deeper in rocksdb":        {members: []tar.Header{bin, regular("rocksdb/a/b", "x")}, wantErr: `"rocksdb/a/b"`},
		"other prefix":             {members: []tar.Header{bin, regular("rocksdb2/a", "x")}, wantErr: `"rocksdb2/a"`},
		"rocksdb is a file":        {members: []tar.Header{bin, regular("rocksdb", "x")}, wantErr: `"rocksdb"`},
		"genesis is a directory":   {members: []tar.Header{directory("genesis.bin")}, wantErr: `"genesis.bin"`},
		"genesis is a link":        {members: []tar.Header{{Typeflag: tar.TypeSymlink, Name: "genesis.bin", Linkname: "/etc/passwd"}}, wantErr: `"genesis.bin"`},
		"link in rocksdb":          {members: []tar.Header{bin, {Typeflag: tar.TypeLink, Name: "rocksdb/x", Linkname: "genesis.bin"}}, wantErr: `"rocksdb/x"`},
		"too large":                {members: []tar.Header{promise("genesis.bin", maxGenesisBytes+1)}, wantErr: "above 10485760 bytes"},
		"too large together":       {members: []tar.Header{bin, promise("rocksdb/LOG", maxGenesisBytes)}, wantErr: `"rocksdb/LOG" takes`},
		"promises and ends":        {members: []tar.Header{promise("genesis.bin", maxGenesisBytes)}, wantErr: "after 0 of 10485760 bytes"},
		"large enough for a limit": {members: []tar.Header{regular("genesis.bin", strings.Repeat("x", maxGenesisBytes))}},
	} {
		t.Run(name, func(t *testing.T) {
			contents, err := readGenesisArchive(bytes.NewReader(packed(t, test.members)))
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Fatalf("error is %v, want %q in it", err, test.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if contents.first == test.late {
				t.Errorf("first = %v", contents.first)
			}
		})
	}
}

// A download that was cut, or a file that rotted, must not pass at any length.
func TestReadGenesisArchiveDamaged(t *testing.T) {
	whole := packed(t, []tar.Header{regular("genesis.bin", "the genesis")})
	for cut := range whole {
		if _, err := ReadGenesisArchive(bytes.NewReader(whole[:cut])); err == nil {
			t.Errorf("accepted the first %d of %d bytes", cut, len(whole))
		}
	}
	if _, err := ReadGenesisArchive(bytes.NewReader(append(whole, "trailing"...))); err == nil {
		t.Error("accepted garbage after the end")
	}
}

// A kilobyte of bzip2 holds megabytes of zeros.
func TestReadGenesisArchiveBomb(t *testing.T) {
	var bomb bytes.Buffer
	w, err := bzip2.NewWriter(&bomb, nil)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewWriter(w)
	write(t, archive, regular("genesis.bin", "the genesis"))
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range maxGenesisStream>>20 + 1 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadGenesisArchive(&bomb); err == nil || !strings.Contains(err.Error(), "bytes unpacked") {
		t.Errorf("error is %v, want the limit in it", err)
	}
}

func TestWriteGenesisArchiveRefuses(t *testing.T) {
	for name, bin := range map[string][]byte{"nothing": nil, "more than clients unpack": make([]byte, maxGenesisBytes+1)} {
		var out bytes.Buffer
		if err := WriteGenesisArchive(&out, bin); err == nil || out.Len() > 0 {
			t.Errorf("%s: error %v after %d bytes", name, err, out.Len())
		}
	}
}

func FuzzReadGenesisArchive(f *testing.F) {
	var archive bytes.Buffer
	if err := WriteGenesisArchive(&archive, demoGenesis()); err != nil {
		f.Fatal(err)
	}
	f.Add(archive.Bytes())
	f.Add([]byte("BZh9"))
	f.Fuzz(func(t *testing.T, b []byte) {
		bin, err := ReadGenesisArchive(bytes.NewReader(b))
		if err != nil {
			return
		}
		if len(bin) == 0 || len(bin) > maxGenesisBytes {
			t.Fatalf("genesis.bin has %d bytes", len(bin))
		}
		if len(bin) < 1<<16 {
			roundTrip(t, bin)
		}
	})
}

// regular and directory make headers for packed; a regular member's content
// travels in Linkname, which such a member does not use.
func regular(name, content string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Linkname: content}
}

// promise is a header of size bytes with nothing after it.
func promise(name string, size int64) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size}
}

func directory(name string) tar.Header { return tar.Header{Typeflag: tar.TypeDir, Name: name} }

func packed(t *testing.T, members []tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	compressed, err := bzip2.NewWriter(&out, nil)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewWriter(compressed)
	kept := true
	for _, m := range members {
		write(t, archive, m)
		kept = m.Size == int64(len(m.Linkname)) || m.Typeflag != tar.TypeReg
	}
	if err := archive.Close(); err != nil && kept {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func write(t *testing.T, archive *tar.Writer, m tar.Header) {
	t.Helper()
	var content string
	if m.Typeflag == tar.TypeReg {
		content, m.Linkname = m.Linkname, ""
	}
	if err := archive.WriteHeader(&m); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
}

func writeGenesisFile(t *testing.T, path string, bin []byte) {
	t.Helper()
	var archive bytes.Buffer
	if err := WriteGenesisArchive(&archive, bin); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, archive.Bytes())
}

// writeFile replaces path as a careful operator would: by a rename.
func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
