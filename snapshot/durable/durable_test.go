package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestWriteFileReplacesWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, want := range []string{"long at first", "short"} {
		if err := WriteFile(path, 0o600, text(want)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		info, statErr := os.Stat(path)
		if err != nil || statErr != nil || string(got) != want || info.Mode() != 0o600 {
			t.Errorf("%q, %v, %v %v", got, info.Mode(), err, statErr)
		}
	}
}

func TestWriteFileThatFailsLeavesTheOldAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := WriteFile(path, 0o644, text("old")); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	for name, write := range map[string]func() error{
		"writer fails": func() error {
			return WriteFile(path, 0o644, func(w io.Writer) error { _, _ = io.WriteString(w, "half"); return boom })
		},
		"rename fails": func() error {
			taken := filepath.Join(dir, "taken")
			if err := os.MkdirAll(filepath.Join(taken, "x"), 0o755); err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(taken)
			return WriteFile(taken, 0o644, text("new"))
		},
	} {
		err := write()
		if err == nil || strings.Contains(err.Error(), ".partial") {
			t.Errorf("%s: %v", name, err)
		}
		entries, readErr := os.ReadDir(dir)
		got, fileErr := os.ReadFile(path)
		if readErr != nil || len(entries) != 1 || string(got) != "old" {
			t.Errorf("%s left %v with %q: %v %v", name, entries, got, readErr, fileErr)
		}
	}
	if err := WriteFile(filepath.Join(dir, "missing", "file"), 0o644, text("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a directory: %v", err)
	}
}

// /dev/full is always full; writes behave as on a disk without space.
func TestWriteFileLeavesNothingOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer full.Close()
	err = WriteFile(filepath.Join(dir, "file"), 0o644, func(io.Writer) error {
		_, err := full.Write([]byte("x"))
		return err
	})
	if err == nil || err.Error() != "write temporary file: no space left on device" {
		t.Errorf("error is %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("left %v", entries)
	}
}
