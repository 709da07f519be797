package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"solsnap/snapshot/archive/manifest"
)

// Inspection is what an archive says of itself before its accounts. None of it is
// proven: Verify does so.
type Inspection struct {
	Manifest *manifest.Manifest
	// ManifestSize and StatusCacheSize are in bytes; the latter is 0 where the
	// status cache comes after the accounts.
	ManifestSize, StatusCacheSize int64
	// Container is what the members up to the first storage told of the packing.
	Container Container
	// Consumed is how many bytes of the archive were read.
	Consumed int64
}

// Inspect reads r no further than to the first storage after the manifest. On
// mainnet-beta that is some hundred megabytes of as many gigabytes. Errors are
// *MemberError, and those of r.
func Inspect(ctx context.Context, r io.Reader) (*Inspection, error) {
	reader, err := NewReader(ctx, r)
	if err != nil {
		return nil, err
	}
	i := new(Inspection)
	for i.Manifest == nil || reader.Container().Storages == 0 {
		m, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = i.take(reader, m)
		}
		if err != nil {
			return nil, fmt.Errorf("inspect archive: %w", err)
		}
	}
	if i.Manifest == nil {
		return nil, errors.New("inspect archive: there is no manifest in it")
	}
	i.Container, i.Consumed = reader.Container(), reader.Consumed()
	return i, nil
}

func (i *Inspection) take(r *Reader, m Member) (err error) {
	switch m.Kind {
	case StatusCacheMember:
		i.StatusCacheSize = m.Size
	case ManifestMember:
		i.ManifestSize = m.Size
		i.Manifest, err = readManifest(r, m)
	}
	return err
}
