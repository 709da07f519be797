package archive

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// FollowerConfig says whose archives a Follower looks into, and for whom.
type FollowerConfig struct {
	// Store lists the archives. Required.
	Store *snapshot.Store
	// Use is handed each new manifest, which is then its own, and nil when there
	// is no pair to follow any longer. Run calls it, and goes on when it returns.
	// Required.
	Use func(*manifest.Manifest)
	// Logger hears of the first manifest that cannot be had, after one that
	// could. Nil discards.
	Logger *slog.Logger
}

// Follower keeps up with the served pair: whenever it changes, the manifest of
// its newest archive, which is that of the state that the pair restores, is
// decoded. Of a full archive of mainnet that is the first 300 MB, unpacked; what
// comes after the manifest is not read, and what is not asked for is not kept.
type Follower struct {
	config FollowerConfig
	// Owned by Run.
	tried   snapshot.Archive // the last one decoded, or not to be decoded
	failing bool             // tried could not be
}

// NewFollower does nothing yet; see Run.
func NewFollower(config FollowerConfig) *Follower {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &Follower{config: config}
}

// Run follows until ctx ends; it may be called once. An archive whose manifest
// cannot be had is left alone until the pair changes, and the user keeps what it
// has. Run returns nil.
func (f *Follower) Run(ctx context.Context) error {
	for {
		changed := f.config.Store.Changed()
		f.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

func (f *Follower) look(ctx context.Context) {
	pair, served := f.config.Store.Served()
	newest := pair.Newest()
	if newest == f.tried {
		return
	}
	f.tried = newest
	if !served {
		f.config.Use(nil)
		return
	}
	started := time.Now()
	m, err := f.read(ctx, newest.Name)
	if err != nil {
		f.tell(ctx, newest, err)
		return
	}
	f.failing = false
	slot := m.Bank.Slot
	f.config.Use(m)
	f.config.Logger.Debug("bank manifest decoded", "slot", slot, "path", newest.Path, "duration", time.Since(started))
}

// tell says once why there is nothing new. That an archive has gone is no news:
// it has a successor, and the pair is about to change.
func (f *Follower) tell(ctx context.Context, a snapshot.Archive, err error) {
	if ctx.Err() != nil {
		return
	}
	level := slog.LevelWarn
	gone := errors.Is(err, fs.ErrNotExist) || errors.Is(err, snapshot.ErrChanged)
	if gone || f.failing {
		level = slog.LevelDebug
	}
	f.failing = f.failing || !gone
	f.config.Logger.Log(ctx, level, "bank manifest not decoded; JSON-RPC goes on with the last one, if any", "path", a.Path, "err", err)
}

// read does not lock the archive, so that no writer waits for it, but looks
// afterwards whether that was what it has read.
func (f *Follower) read(ctx context.Context, name snapshot.Name) (*manifest.Manifest, error) {
	file, err := f.config.Store.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m, err := findManifest(ctx, io.NewSectionReader(file, 0, file.Archive().Size), name)
	if changed := file.Check(); changed != nil {
		return nil, changed
	}
	return m, err
}

// findManifest reads the archive of that name up to the end of its manifest. It
// is the archive's own, and in agreement with itself, as far as a manifest of its
// age can be.
func findManifest(ctx context.Context, r io.Reader, name snapshot.Name) (*manifest.Manifest, error) {
	reader, err := NewReader(ctx, r)
	if err != nil {
		return nil, err
	}
	for {
		member, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("there is no manifest in the archive")
		case err != nil:
			return nil, err
		case member.Kind != ManifestMember:
			continue
		}
		m, err := readManifest(reader, member)
		if err != nil {
			return nil, err
		}
		if err := checkManifest(m, name); err != nil && !errors.Is(err, manifest.ErrNotVerifiable) {
			return nil, member.fail(0, err)
		}
		return m, nil
	}
}
