package snapshot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func create(t *testing.T, dir string, n Name) *Pending {
	t.Helper()
	p, err := Create(dir, n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Discard)
	return p
}

func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestCommit(t *testing.T) {
	dir := t.TempDir()
	name := fullName(100, 1)
	p := create(t, dir, name)
	if files := filesIn(t, dir); len(files) != 1 || !strings.HasPrefix(files[0], "tmp-snapshot-archive-") {
		t.Fatalf("while it is written, the directory has %v", files)
	} else if _, err := ParseName(files[0]); err == nil || looksLikeArchive(files[0]) {
		t.Fatalf("temporary file %s passes for an archive", files[0])
	}
	for _, part := range []string{"first ", "second"} {
		if n, err := p.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("Write returns %d, %v", n, err)
		}
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	p.Discard()
	if files := filesIn(t, dir); len(files) != 1 || files[0] != name.String() {
		t.Fatalf("after Commit the directory has %v", files)
	}
	path := filepath.Join(dir, name.String())
	content, err := os.ReadFile(path)
	if err != nil || string(content) != "first second" {
		t.Fatalf("archive holds %q, %v", content, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&^0o644 != 0 || info.Mode().Perm()&0o600 != 0o600 {
		t.Errorf("archive has mode %v, %v; want 0644 less the umask", info.Mode(), err)
	}
	if _, err := p.Write(nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Write after Commit returns %v", err)
	}
	if err := p.Commit(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("second Commit returns %v", err)
	}
}

func TestCommitDoesNotReplace(t *testing.T) {
	dir := t.TempDir()
	first, second := create(t, dir, fullName(100, 1)), create(t, dir, fullName(100, 1))
	if _, err := first.Write([]byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := first.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := second.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Commit over an archive returns %v", err)
	}
	assertOnly(t, dir, "first")
}

func TestLinkNewDoesNotReplace(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, fullName(100, 1).String())
	write(t, from, []byte("new"))
	if err := linkNew(from, to); err != nil {
		t.Fatal(err)
	}
	assertOnly(t, dir, "new")
	write(t, from, []byte("newer"))
	if err := linkNew(from, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("linkNew over a file returns %v", err)
	}
	remove(t, from)
	assertOnly(t, dir, "new")
}

// assertOnly compares the only file in dir, the archive of slot 100.
func assertOnly(t *testing.T, dir, want string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, fullName(100, 1).String()))
	if err != nil || string(content) != want || len(filesIn(t, dir)) != 1 {
		t.Errorf("directory has %v, the archive holds %q, %v", filesIn(t, dir), content, err)
	}
}

func TestDiscard(t *testing.T) {
	dir := t.TempDir()
	p := create(t, dir, fullName(100, 1))
	if _, err := p.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	p.Discard()
	p.Discard()
	if files := filesIn(t, dir); len(files) != 0 {
		t.Errorf("after Discard the directory has %v", files)
	}
	if err := p.Commit(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Commit after Discard returns %v", err)
	}
}

func TestFailedCommitLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	p := create(t, dir, fullName(100, 1))
	p.file.Close() // as if the disk had failed
	if err := p.Commit(); err == nil {
		t.Error("Commit of a file that cannot be synced succeeds")
	}
	if files := filesIn(t, dir); len(files) != 0 {
		t.Errorf("directory has %v", files)
	}
}

func TestCreateInMissingDirectory(t *testing.T) {
	if p, err := Create(filepath.Join(t.TempDir(), "missing"), fullName(100, 1)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Create returns %v, %v", p, err)
	}
}

func TestCommittedArchiveIsListed(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Config{FullDir: dir, SettleTime: time.Millisecond})
	p := create(t, dir, fullName(100, 1))
	if _, err := p.Write(frame(FormatZstd, "")); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	awaitListed(t, s, fullName(100, 1))
}
