package snapshot

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// DefaultPairGrace is how long a pair stays served after a higher full without
// an incremental has appeared. Agave writes the first incremental on a full a
// minute or so after it; ten leave room for a slow disk.
const DefaultPairGrace = 10 * time.Minute

// Config says which directories a Store lists, and how patiently.
type Config struct {
	// FullDir holds full archives. Required. Its subdirectory remote/ is listed
	// too (Agave snapshots/src/paths.rs, build_snapshot_archives_remote_dir).
	// It may be missing, and appear later.
	FullDir string
	// IncrementalDir holds incremental archives, and its remote/ too. Default
	// FullDir.
	IncrementalDir string

	// PairGrace is how long a higher full without an incremental waits before
	// it replaces a pair that has one. 0 is Agave's behaviour: not at all.
	PairGrace time.Duration
	// SettleTime is how long a file must keep its size and modification time
	// before it is listed. Default 2 s.
	SettleTime time.Duration
	// RescanInterval is how often the directories are read when no event asks
	// for it: the only way where there is no inotify. Default 10 s.
	RescanInterval time.Duration
	// Hold keeps the archives of pairs that were served within it openable by
	// exact name for as long after they were unlinked. Their disk space stays
	// taken meanwhile. 0 is off. Linux only.
	Hold time.Duration
	// RecycleGrace is how long transfers may go on after a writer has asked for
	// the lock of their inode. Default 30 s.
	RecycleGrace time.Duration
	// Logger hears of what is listed, served and refused. Nil discards.
	Logger *slog.Logger

	// Tests only.
	noWatch   bool                   // rely on RescanInterval alone
	readLocks func() ([]byte, error) // instead of reading /proc/locks
	closeFile func(*os.File) error   // instead of closing an archive
}

func (c Config) withDefaults() Config {
	if c.IncrementalDir == "" {
		c.IncrementalDir = c.FullDir
	}
	if c.SettleTime == 0 {
		c.SettleTime = 2 * time.Second
	}
	if c.RescanInterval == 0 {
		c.RescanInterval = 10 * time.Second
	}
	if c.RecycleGrace == 0 {
		c.RecycleGrace = 30 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.readLocks == nil {
		c.readLocks = readProcLocks
	}
	if c.closeFile == nil {
		c.closeFile = (*os.File).Close
	}
	return c
}

func (c Config) validate() error {
	if c.FullDir == "" {
		return errors.New("snapshot store: the directory of full archives is not set")
	}
	for name, d := range map[string]time.Duration{
		"pair grace": c.PairGrace, "settle time": c.SettleTime, "rescan interval": c.RescanInterval,
		"hold": c.Hold, "recycle grace": c.RecycleGrace,
	} {
		if d < 0 {
			return fmt.Errorf("snapshot store: %s %s is negative", name, d)
		}
	}
	return nil
}

// directories are what a scan reads, in order of preference for equal names.
func (c Config) directories() ([]*directory, error) {
	full, err := filepath.Abs(c.FullDir)
	if err != nil {
		return nil, fmt.Errorf("snapshot store: %w", err)
	}
	incremental, err := filepath.Abs(c.IncrementalDir)
	if err != nil {
		return nil, fmt.Errorf("snapshot store: %w", err)
	}
	if full == incremental || sameDirectory(full, incremental) {
		return withRemote(full, Full, Incremental), nil
	}
	return append(withRemote(full, Full), withRemote(incremental, Incremental)...), nil
}

// sameDirectory reports whether two paths lead to one directory by now.
func sameDirectory(a, b string) bool {
	first, err1 := os.Stat(a)
	second, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(first, second)
}

func withRemote(path string, kinds ...Kind) []*directory {
	return []*directory{
		{path: path, kinds: kinds},
		{path: filepath.Join(path, remoteDir), kinds: kinds, remote: true},
	}
}

// remoteDir is where Agave puts the archives it downloads.
const remoteDir = "remote"
