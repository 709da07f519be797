package snapshot

import (
	"fmt"
	"strings"
)

// Kind tells a full archive from an incremental one. It is a kind of its own
// and not "base is 0": slot 0 is a base like any other.
type Kind uint8

// The two kinds of archive.
const (
	Full Kind = iota
	Incremental
)

// String prints "full" or "incremental".
func (k Kind) String() string {
	if k == Incremental {
		return "incremental"
	}
	return "full"
}

// Format is the container of an archive: a tar stream in a compressed frame
// format. Agave accepts these two since 3.0; every other client only zstd.
type Format uint8

// The formats, in order of preference when two archives differ in nothing else.
const (
	FormatZstd Format = iota
	FormatLZ4
)

// String prints the extension without its leading dot.
func (f Format) String() string {
	if f == FormatLZ4 {
		return "tar.lz4"
	}
	return "tar.zst"
}

// The prefixes and extensions of archive names (Agave snapshots/src/paths.rs).
// They are part of the wire protocol: this must not change.
const (
	fullPrefix        = "snapshot-"
	incrementalPrefix = "incremental-snapshot-"
)

// Name is the parsed file name of an archive. It is also its URL path, less
// the slash.
type Name struct {
	Kind Kind
	// Base is the slot of the full archive that an incremental applies to. It
	// is below Slot for an incremental and has no meaning for a full.
	Base Slot
	Slot Slot
	// Hash is the snapshot hash: of the whole state at Slot, for an incremental too.
	Hash   Hash
	Format Format
}

// NameError says why a string is not the name of an archive.
type NameError struct {
	Name   string
	Reason string
}

// Error names the string and the reason.
func (e *NameError) Error() string {
	return fmt.Sprintf("archive name %q: %s", e.Name, e.Reason)
}

// ParseName reads "snapshot-<slot>-<hash>.<ext>" or
// "incremental-snapshot-<base>-<slot>-<hash>.<ext>". It is the inverse of
// Name.String: a string that would print differently is refused, with a
// *NameError.
func ParseName(s string) (Name, error) {
	name, err := parseName(s)
	if err != nil {
		return Name{}, &NameError{Name: s, Reason: err.Error()}
	}
	return name, nil
}

func parseName(s string) (Name, error) {
	stem, format, err := cutFormat(s)
	if err != nil {
		return Name{}, err
	}
	name := Name{Format: format}
	if rest, ok := strings.CutPrefix(stem, incrementalPrefix); ok {
		name.Kind = Incremental
		base, tail, _ := strings.Cut(rest, "-")
		if name.Base, err = ParseSlot(base); err != nil {
			return Name{}, fmt.Errorf("base %w", err)
		}
		stem = tail
	} else if stem, ok = strings.CutPrefix(stem, fullPrefix); !ok {
		return Name{}, fmt.Errorf("want the prefix %q or %q", fullPrefix, incrementalPrefix)
	}
	slot, hash, _ := strings.Cut(stem, "-")
	if name.Slot, err = ParseSlot(slot); err != nil {
		return Name{}, err
	}
	if name.Kind == Incremental && name.Slot <= name.Base {
		return Name{}, fmt.Errorf("slot %d is not above its base %d", name.Slot, name.Base)
	}
	name.Hash, err = ParseHash(hash)
	return name, err
}

func cutFormat(s string) (stem string, _ Format, _ error) {
	for _, f := range []Format{FormatZstd, FormatLZ4} {
		if stem, ok := strings.CutSuffix(s, "."+f.String()); ok {
			return stem, f, nil
		}
	}
	return "", 0, fmt.Errorf("want the extension .%s or .%s", FormatZstd, FormatLZ4)
}

// String prints the file name.
func (n Name) String() string {
	if n.Kind == Incremental {
		return incrementalPrefix + n.Base.String() + "-" + n.Slot.String() + "-" + n.Hash.String() + "." + n.Format.String()
	}
	return fullPrefix + n.Slot.String() + "-" + n.Hash.String() + "." + n.Format.String()
}
