package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"solsnap/snapshot"
)

// readerLimits are what an archive may not exceed, whatever it says.
type readerLimits struct {
	entries  int
	size     int64 // sum of the members' sizes, holes included
	stored   int64 // sum without holes
	trailing int64 // bytes after the end of the tar
}

// agaveLimits are those of Agave's snapshots/src/hardened_unpack.rs. The last is
// ours: Agave does not read on after the end, we do so for the checksums.
var agaveLimits = readerLimits{entries: 5_000_000, size: 64 << 40, stored: 4 << 40, trailing: 16 << 20}

// Reader walks a snapshot archive once, member by member. It accepts what
// Agave's unpacker accepts, in any order and from any writer, and nothing that
// could lead two readers to different contents: duplicates, links, extended
// headers and long names.
//
// Its memory is bounded whatever the archive says: the decoder's window, up to
// 64 MiB, and 16 bytes and their overhead for each storage, of which there may
// be 5,000,000. A Reader is for one goroutine, but for Consumed.
type Reader struct {
	stream    *stream
	tar       tarStream
	limits    readerLimits
	container Container
	member    Member // the current one
	storages  map[storageKey]struct{}
	err       error // what Next returned, if it was not a member
}

type storageKey struct {
	slot snapshot.Slot
	id   uint64
}

// NewReader finds out from its first bytes how the archive is compressed. r may
// be a file, or the body of a response: it is read once, in large pieces. When
// ctx ends, so does the reading, with the context's cause. There is nothing to
// close but r, which is the caller's.
func NewReader(ctx context.Context, r io.Reader) (*Reader, error) {
	s, err := openStream(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	return &Reader{
		stream:    s,
		tar:       tarStream{s: s},
		limits:    agaveLimits,
		container: Container{Compression: s.compression},
		storages:  map[storageKey]struct{}{},
	}, nil
}

// Consumed is how many bytes of the archive, as it is compressed, have been
// read. It may be called at any time, from any goroutine.
func (r *Reader) Consumed() int64 { return r.stream.source.consumed.Load() }

// Container is what is known of the packing by now.
func (r *Reader) Container() Container { return r.container }

// Next skips what is left of the current member, and gives the next that is no
// directory. Every error is a *MemberError, and final. io.EOF means that the
// archive was read to its very end, its checksums were right, and there was a
// version; whether there were a manifest and a status cache, Container tells.
//
// The content of the version member has been checked, and is not to be read.
// An archive that was cut short is io.ErrUnexpectedEOF.
func (r *Reader) Next() (Member, error) {
	if r.err != nil {
		return Member{}, r.err
	}
	for {
		m, err := r.next()
		if err != nil {
			r.err = err
			return Member{}, err
		}
		if m.Kind != memberDirectory {
			r.member = m
			return m, nil
		}
	}
}

func (r *Reader) next() (Member, error) {
	if err := r.tar.skip(); err != nil {
		return Member{}, r.failHere(fmt.Errorf("skip content: %w", err))
	}
	h, err := r.tar.next()
	if errors.Is(err, io.EOF) {
		return Member{}, r.finish()
	}
	if err != nil {
		return Member{}, &MemberError{Member: h.name, Offset: h.offset, Err: err}
	}
	m, err := r.admit(h)
	if err != nil {
		return m, &MemberError{Member: h.name, Offset: h.offset, Err: err}
	}
	m.Offset = r.stream.offset
	if m.Kind == VersionMember {
		return m, r.checkVersion(m)
	}
	return m, nil
}

// failHere says that err came up in the content of the current member.
func (r *Reader) failHere(err error) error {
	return &MemberError{Member: r.member.Name, Offset: r.stream.offset, Err: err}
}

// admit checks an entry by itself, and beside all those before it.
func (r *Reader) admit(h tarHeader) (Member, error) {
	m, err := parseMember(h)
	if err != nil {
		return m, err
	}
	c, limits := &r.container, &r.limits
	switch {
	case c.Entries == limits.entries:
		return m, fmt.Errorf("more than %d entries", limits.entries)
	case m.Size > limits.size-c.Size:
		return m, fmt.Errorf("sizes add up to more than %d bytes", limits.size)
	case m.Stored > limits.stored-c.Stored:
		return m, fmt.Errorf("stored sizes add up to more than %d bytes", limits.stored)
	case r.seen(m):
		return m, fmt.Errorf("second %s of this name", m.Kind)
	}
	c.add(h, m)
	return m, nil
}

// seen reports that there was such a member before, and remembers a storage.
// Agave would let the second overwrite the first.
func (r *Reader) seen(m Member) bool {
	switch m.Kind {
	case VersionMember:
		return r.container.Version > 0
	case StatusCacheMember:
		return r.container.StatusCache > 0
	case ManifestMember:
		return r.container.Manifest > 0
	case StorageMember:
		key := storageKey{m.Slot, m.ID}
		_, seen := r.storages[key]
		r.storages[key] = struct{}{}
		return seen
	}
	return false
}

// checkVersion is as lenient as Agave: space around it, and a "v" before it, do
// not matter.
func (r *Reader) checkVersion(m Member) error {
	content := make([]byte, m.Size) // 8 bytes at most
	if _, err := io.ReadFull(&r.tar, content); err != nil {
		return m.fail(0, fmt.Errorf("read content: %w", err))
	}
	version := strings.TrimSpace(string(content))
	if version != "" && (version[0] == 'v' || version[0] == 'V') {
		version = version[1:]
	}
	if version != snapshotVersion {
		return m.fail(0, fmt.Errorf("version is %q, want %q", content, snapshotVersion))
	}
	return nil
}

// finish reads what comes after the tar and looks back at the whole.
func (r *Reader) finish() error {
	end := r.stream.offset
	trailing, zero, err := r.tar.drain(r.limits.trailing)
	r.container.Trailing, r.container.Garbage = trailing, !zero
	if err != nil {
		return &MemberError{Offset: r.stream.offset, Err: fmt.Errorf("read on after the end: %w", err)}
	}
	if r.container.Version == 0 {
		return &MemberError{Offset: end, Err: errors.New("there is no version in the archive")}
	}
	return io.EOF
}

// Read reads the content of the current member, up to io.EOF. Every other error
// is a *MemberError.
func (r *Reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.tar.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.failHere(fmt.Errorf("read content: %w", err))
	}
	return n, err
}
