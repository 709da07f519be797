package archive

import (
	"errors"
	"fmt"
)

// maxSparseRuns bounds the memory of one sparse map. A storage of Agave's old
// sparse archives has a run for each stretch of its file without zero pages.
const maxSparseRuns = 1 << 16

// Where the old GNU header and its extensions keep their sparse maps, and what
// says that another extension follows.
const (
	sparseMap, sparseMore, sparseSize = 386, 482, 483
	extensionMap, extensionMore       = 0, 504
)

// run is a stretch of a member's content that the archive stores. Between runs
// the content is zero.
type run struct{ offset, length int64 }

func (r run) end() int64 { return r.offset + r.length }

// sparseRuns are the runs of a sparse member, checked as they come.
type sparseRuns struct {
	runs   []run
	stored int64 // sum of their lengths
	end    int64 // of the last of them
}

var errSparse = errors.New("sparse map is broken")

// addMap reads entries of offset and length, 12 digits each, up to the first
// empty one. They must ascend and not overlap, and only the last may end inside
// a block: so says Agave's tar library.
func (s *sparseRuns) addMap(entries []byte) error {
	for ; len(entries) >= 24 && entries[0] != 0 && entries[12] != 0; entries = entries[24:] {
		offset, err := parseTarNumber(entries[:12])
		if err != nil {
			return fmt.Errorf("sparse offset: %w", err)
		}
		length, err := parseTarNumber(entries[12:24])
		if err != nil {
			return fmt.Errorf("sparse length: %w", err)
		}
		if err := s.add(run{offset, length}); err != nil {
			return err
		}
	}
	return nil
}

func (s *sparseRuns) add(r run) error {
	switch {
	case len(s.runs) == maxSparseRuns:
		return fmt.Errorf("more than %d sparse runs", maxSparseRuns)
	case r.offset < s.end, r.end() < r.offset:
		return fmt.Errorf("%w: run of %d bytes at %d after one that ends at %d", errSparse, r.length, r.offset, s.end)
	case r.length > 0 && s.stored%tarBlock != 0:
		return fmt.Errorf("%w: run at %d comes after a part of a block", errSparse, r.offset)
	}
	s.runs = append(s.runs, r)
	s.stored += r.length // cannot overflow: runs do not overlap
	s.end = r.end()
	return nil
}

// readSparse completes the header of a sparse member, whose map may go on in
// blocks after it. first is the header's own block.
func readSparse(h *tarHeader, first *[tarBlock]byte, next func() (*[tarBlock]byte, error)) ([]run, error) {
	if h.style != HeadersGNU {
		return nil, fmt.Errorf("sparse member in a %s header", h.style)
	}
	var err error
	if h.size, err = parseTarNumber(first[sparseSize:][:12]); err != nil {
		return nil, fmt.Errorf("sparse size: %w", err)
	}
	var s sparseRuns
	if err := s.addMap(first[sparseMap:sparseMore]); err != nil {
		return nil, err
	}
	for more := first[sparseMore] == 1; more; {
		extension, err := next()
		if err != nil {
			return nil, err
		}
		if err := s.addMap(extension[extensionMap:extensionMore]); err != nil {
			return nil, err
		}
		more = extension[extensionMore] == 1
	}
	if s.stored != h.stored || s.end != h.size {
		return nil, fmt.Errorf("%w: runs end at %d with %d bytes, want %d and %d", errSparse, s.end, s.stored, h.size, h.stored)
	}
	return s.runs, nil
}
