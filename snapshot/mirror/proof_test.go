package mirror

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
	"solsnap/snapshot/fetch"
)

// arriving is a full archive, in a file as a download has it.
func arriving(t *testing.T) (dir string, name snapshot.Name, content []byte) {
	t.Helper()
	made := t.TempDir()
	ledger := archive.NewLedger(archive.LedgerConfig{Dir: made, CreatedAt: time.Unix(1_700_000_000, 0), FullBytes: 256 << 10})
	name, err := ledger.WriteFull(1000)
	if err != nil {
		t.Fatal(err)
	}
	if content, err = os.ReadFile(filepath.Join(made, name.String())); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.WriteFile(fetch.PartialPath(dir, name), content, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, name, content
}

// feed hands over what a download would, until the Follower has had enough.
func feed(f fetch.Follower, content []byte) error {
	for len(content) > 0 {
		part := content[:min(len(content), 10_000)]
		if _, err := f.Write(part); err != nil {
			_ = f.End(err)
			return err
		}
		content = content[len(part):]
	}
	return f.End(nil)
}

func TestProof(t *testing.T) {
	dir, name, content := arriving(t)
	damaged := append([]byte{}, content...)
	damaged[len(damaged)/2] ^= 1
	other := name
	other.Hash[0]++
	for title, tt := range map[string]struct {
		name    snapshot.Name
		tier    archive.Tier
		content []byte
		failure archive.Tier // that is not proven; TierNone is none
	}{
		"the name alone": {name, archive.TierName, content, archive.TierNone},
		"the manifest":   {name, archive.TierManifest, content, archive.TierNone},
		"every account":  {name, archive.TierAccounts, content, archive.TierNone},
		"cut":            {name, archive.TierManifest, content[:len(content)-10], archive.TierStructure},
		"damaged":        {name, archive.TierManifest, damaged, archive.TierStructure},
		"another's":      {other, archive.TierManifest, content, archive.TierManifest},
	} {
		t.Run(title, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			p := &Proof{Dir: dir, Name: tt.name, Tier: tt.tier}
			err := feed(p.Follow(ctx, cancel)(), tt.content)
			var failure *archive.Failure
			if errors.As(err, &failure); (failure == nil) != (tt.failure == archive.TierNone) || failure != nil && failure.Tier != tt.failure {
				t.Errorf("%v, want a failure of %v", err, tt.failure)
			}
			if err == nil && p.Report().Reached != tt.tier {
				t.Errorf("reached %v", p.Report().Reached)
			}
			if ctx.Err() != nil {
				t.Errorf("the download was ended: %v", context.Cause(ctx))
			}
		})
	}
}

// TestProofBeginsAnew after a source has failed half-way.
func TestProofBeginsAnew(t *testing.T) {
	dir, name, content := arriving(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	follow := (&Proof{Dir: dir, Name: name, Tier: archive.TierAccounts}).Follow(ctx, cancel)
	first := follow()
	if _, err := first.Write(content[:len(content)/2]); err != nil {
		t.Fatal(err)
	}
	if err := first.End(errors.New("the source has failed")); err != nil {
		t.Error(err)
	}
	if err := feed(follow(), content); err != nil {
		t.Error(err)
	}
}

// TestProofWithoutABase ends the download, and says nothing against the archive.
func TestProofWithoutABase(t *testing.T) {
	dir, name, content := arriving(t)
	name.Kind, name.Base = snapshot.Incremental, 1
	for title, base := range map[string]*archive.Source{"not there": nil, "unreadable": {
		Name: snapshot.Name{Slot: 1}, Open: openNothing,
	}} {
		t.Run(title, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			p := &Proof{Dir: dir, Name: name, Base: base, Tier: archive.TierAccounts}
			err := feed(p.Follow(ctx, cancel)(), content)
			if err == nil || ctx.Err() == nil && !errors.As(err, new(*archive.Failure)) {
				t.Errorf("%v, %v", err, context.Cause(ctx))
			}
		})
	}
}

func openNothing() (io.ReadCloser, error) { return nil, fs.ErrNotExist }
