package archive

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"solsnap/snapshot"
)

// MemberKind tells the members of a snapshot archive apart.
type MemberKind uint8

// The kinds of member.
const (
	memberDirectory   MemberKind = iota // never shown
	VersionMember                       // "version"
	StatusCacheMember                   // "snapshots/status_cache"
	ManifestMember                      // "snapshots/<slot>/<slot>", the bank manifest
	StorageMember                       // "accounts/<slot>.<id>"
)

// String prints the name that Solana's tools use.
func (k MemberKind) String() string {
	return [...]string{"directory", "version", "status cache", "manifest", "storage"}[k]
}

// maxSize is the most that a member of the kind may hold, Agave's limits.
func (k MemberKind) maxSize() int64 {
	return [...]int64{0, 8, 32 << 30, 32 << 30, 16 << 30}[k]
}

// Member is one file of a snapshot archive.
type Member struct {
	Kind MemberKind
	// Name is as the archive has it.
	Name string
	// Slot is that of a manifest or of a storage.
	Slot snapshot.Slot
	// ID is that of a storage. Two storages may share a slot or an ID, not both.
	ID uint64
	// Size is how many bytes Read gives.
	Size int64
	// Stored is how many bytes the tar holds of it. It is below Size only for a
	// GNU sparse member, whose holes are left out.
	Stored int64
	// Offset is where its first stored byte is in the uncompressed stream.
	Offset int64
}

// Belongs reports whether a member with a slot can be in the archive of that
// name: a manifest is of the archive's slot, a storage of a slot up to it and,
// in an incremental, above the base.
func (m Member) Belongs(name snapshot.Name) error {
	switch {
	case m.Kind == ManifestMember && m.Slot != name.Slot:
		return m.fail(0, fmt.Errorf("slot is %d, want the archive's %d", m.Slot, name.Slot))
	case m.Kind != StorageMember:
		return nil
	case m.Slot > name.Slot:
		return m.fail(0, fmt.Errorf("slot %d is above the archive's %d", m.Slot, name.Slot))
	case name.Kind == snapshot.Incremental && m.Slot <= name.Base:
		return m.fail(0, fmt.Errorf("slot %d is not above the base %d", m.Slot, name.Base))
	}
	return nil
}

// fail says that err is at offset in the content of m.
func (m Member) fail(offset int64, err error) error {
	return &MemberError{Member: m.Name, Offset: m.Offset + offset, Err: err}
}

// MemberError says what is wrong with an archive, and where.
type MemberError struct {
	// Member is the name of the member, as far as it was known; "" between two.
	Member string
	// Offset is where in the uncompressed tar stream. In a sparse member it is
	// counted as if the holes were stored.
	Offset int64
	Err    error
}

// Error names the member and the offset.
func (e *MemberError) Error() string {
	if e.Member == "" {
		return fmt.Sprintf("at byte %d of the tar stream: %v", e.Offset, e.Err)
	}
	return fmt.Sprintf("member %q, at byte %d of the tar stream: %v", e.Member, e.Offset, e.Err)
}

// Unwrap gives Err.
func (e *MemberError) Unwrap() error { return e.Err }

// errUnexpectedMember means a name that no snapshot archive has.
var errUnexpectedMember = errors.New("a snapshot archive has no such member")

// parseMember decides what a header announces: Agave's unpacker
// (snapshots/src/hardened_unpack.rs) accepts these names and types, and gives
// the whole archive up at any other.
func parseMember(h tarHeader) (Member, error) {
	m := Member{Name: h.name, Size: h.size, Stored: h.stored}
	parts, err := splitPath(h.name)
	if err != nil {
		return m, err
	}
	if h.typeflag == typeDirectory {
		return m, checkDirectory(parts, h.size)
	}
	if m.Kind, m.Slot, m.ID, err = parseFilePath(parts); err != nil {
		return m, err
	}
	regular := h.typeflag == typeRegular || h.typeflag == typeNUL
	if sparse := h.typeflag == typeSparse && m.Kind != VersionMember; !regular && !sparse {
		return m, fmt.Errorf("type is %q, want a regular file", h.typeflag)
	}
	if strings.HasSuffix(h.name, "/") {
		return m, errors.New("a directory's name on a regular file")
	}
	return m, checkMemberSize(m)
}

func checkMemberSize(m Member) error {
	if limit := m.Kind.maxSize(); m.Size > limit {
		return fmt.Errorf("size is %d bytes, want at most %d", m.Size, limit)
	}
	if m.Kind == StorageMember && m.Size == 0 {
		return errors.New("empty storage")
	}
	return nil
}

// splitPath gives the components of a path as Rust's Path does: repeated
// slashes, inner dots and a trailing slash mean nothing. There may be no more
// than three; a longer path is none of ours.
func splitPath(name string) (parts [3]string, _ error) {
	if strings.HasPrefix(name, "/") {
		return parts, errors.New("absolute path")
	}
	n := 0
	for rest, first := name, true; rest != ""; first = false {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		switch {
		case part == ".." || part == "." && first:
			return parts, fmt.Errorf("path component %q", part)
		case part == "" || part == ".":
			continue
		case n == len(parts):
			return parts, errUnexpectedMember
		}
		parts[n] = part
		n++
	}
	return parts, nil
}

func checkDirectory(parts [3]string, size int64) error {
	if size != 0 {
		// Tar readers disagree on whether content follows.
		return fmt.Errorf("directory of %d bytes", size)
	}
	switch {
	case parts == [3]string{"accounts"}, parts == [3]string{"snapshots"}:
		return nil
	case parts[0] == "snapshots" && parts[2] == "":
		_, err := parseDigits(parts[1])
		return err
	}
	return errUnexpectedMember
}

func parseFilePath(parts [3]string) (kind MemberKind, slot snapshot.Slot, id uint64, err error) {
	switch {
	case parts == [3]string{"version"}:
		return VersionMember, 0, 0, nil
	case parts == [3]string{"snapshots", "status_cache"}:
		return StatusCacheMember, 0, 0, nil
	case parts[0] == "snapshots" && parts[2] != "":
		slot, err = parseManifestPath(parts[1], parts[2])
		return ManifestMember, slot, 0, err
	case parts[0] == "accounts" && parts[2] == "":
		slot, id, err = parseStorageName(parts[1])
		return StorageMember, slot, id, err
	}
	return 0, 0, 0, errUnexpectedMember
}

func parseManifestPath(dir, file string) (snapshot.Slot, error) {
	slot, err := parseDigits(dir)
	if err != nil {
		return 0, err
	}
	again, err := parseDigits(file)
	if err != nil {
		return 0, err
	}
	if slot != again {
		return 0, fmt.Errorf("manifest of slot %d in the directory of slot %d", again, slot)
	}
	return snapshot.Slot(slot), nil
}

func parseStorageName(name string) (slot snapshot.Slot, id uint64, _ error) {
	left, right, _ := strings.Cut(name, ".")
	n, err := parseDigits(left)
	if err != nil {
		return 0, 0, err
	}
	id, err = parseDigits(right)
	return snapshot.Slot(n), id, err
}

// parseDigits tolerates leading zeros, as Agave does.
func parseDigits(s string) (uint64, error) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, errUnexpectedMember
		}
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("number %s is above 2^64-1", s)
	}
	if err != nil {
		return 0, errUnexpectedMember
	}
	return n, nil
}
