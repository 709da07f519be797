package snapshot

import (
	"path/filepath"
	"testing"
)

func TestConflicts(t *testing.T) {
	dir := t.TempDir()
	remote := mkdir(t, filepath.Join(dir, remoteDir))
	served := put(t, dir, fullName(100, 2), "served")
	put(t, dir, incrementalName(100, 150, 1), "")
	var log logLines
	s := start(t, Config{FullDir: dir, Logger: log.logger()})
	if len(s.Conflicts()) != 0 || s.Stats().Conflicts != 0 {
		t.Fatalf("conflicts without reason: %v", s.Conflicts())
	}

	put(t, dir, fullName(100, 1), "other hash")
	awaitListed(t, s, incrementalName(100, 150, 1), fullName(100, 1), fullName(100, 2))
	assertServed(t, s, fullName(100, 2), incrementalName(100, 150, 1))
	assertConflict(t, s, 1, served)
	for _, n := range []Name{fullName(100, 1), fullName(100, 2)} {
		f, err := s.Open(n)
		if err != nil {
			t.Fatalf("an archive in conflict cannot be opened: %v", err)
		}
		f.Close()
	}

	put(t, remote, fullName(100, 2), "same name")
	put(t, dir, fullName(50, 1), "so that the list changes")
	awaitListed(t, s, incrementalName(100, 150, 1), fullName(100, 1), fullName(100, 2), fullName(50, 1))
	assertConflict(t, s, 2, served)
	if n := log.count("level=WARN", "more than one archive for a slot", served); n != 2 {
		t.Errorf("conflict was logged %d times, want once for each rival", n)
	}

	remove(t, served)
	await(t, s, "the twin in remote/", func() bool {
		a, ok := s.Lookup(fullName(100, 2))
		return ok && a.Path == filepath.Join(remote, fullName(100, 2).String())
	})
}

func assertConflict(t *testing.T, s *Store, others int, preferred string) {
	t.Helper()
	conflicts := s.Conflicts()
	if len(conflicts) != 1 || s.Stats().Conflicts != 1 {
		t.Fatalf("conflicts are %v, want one", conflicts)
	}
	if c := conflicts[0]; c.Preferred.Path != preferred || len(c.Others) != others {
		t.Fatalf("conflict prefers %s to %v, want %s to %d others", c.Preferred.Path, names(c.Others), preferred, others)
	}
}

// A new file of a listed name, in the directory that is preferred, does not
// replace the one whose bytes are being downloaded.
func TestListedTwinStays(t *testing.T) {
	dir := t.TempDir()
	remote := mkdir(t, filepath.Join(dir, remoteDir))
	far := put(t, remote, fullName(100, 1), "far")
	s := start(t, Config{FullDir: dir})
	put(t, dir, fullName(100, 1), "near")
	put(t, dir, fullName(50, 1), "so that something changes")
	awaitListed(t, s, fullName(100, 1), fullName(50, 1))
	if a, _ := s.Lookup(fullName(100, 1)); a.Path != far {
		t.Errorf("%s took the place of %s", a.Path, far)
	}
}
