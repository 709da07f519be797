package archive

import (
	"errors"
	"fmt"
	"io"
)

// tarStream walks the members of a tar and reads their contents. It is stricter
// than archive/tar, which resolves extended headers and long names out of sight
// of the caller, and like Agave's tar library about sparse members.
type tarStream struct {
	s       *stream
	block   [tarBlock]byte
	scratch [64 << 10]byte // what is skipped goes here

	// Of the member that next returned last:
	runs []run // what is stored of it; the whole of it if it is not sparse
	run  int   // index of the first run not read to its end
	pos  int64 // read so far, holes included
	size int64
	left int64 // stored bytes, and then padding, before the next header
	pad  int64
}

// next reads the header of the next member, after skip. io.EOF means two zero
// blocks; any other end of the stream is an error. The offset is set even so.
func (t *tarStream) next() (tarHeader, error) {
	offset := t.s.offset
	zero, err := t.readBlock()
	if err != nil {
		return tarHeader{offset: offset}, fmt.Errorf("read a header: %w", err)
	}
	if zero {
		return tarHeader{offset: offset}, t.readEnd()
	}
	h, err := parseTarHeader(&t.block)
	h.offset = offset
	if err != nil {
		return h, err
	}
	t.runs = append(t.runs[:0], run{0, h.size})
	if h.typeflag == typeSparse {
		if t.runs, err = readSparse(&h, &t.block, t.nextBlock); err != nil {
			return h, err
		}
	}
	t.run, t.pos, t.size = 0, 0, h.size
	t.left, t.pad = h.stored, -h.stored&(tarBlock-1)
	return h, nil
}

func (t *tarStream) nextBlock() (*[tarBlock]byte, error) {
	_, err := t.readBlock()
	return &t.block, err
}

func (t *tarStream) readBlock() (zero bool, _ error) {
	if _, err := io.ReadFull(t.s, t.block[:]); err != nil {
		return false, noEOF(err)
	}
	return t.block == [tarBlock]byte{}, nil
}

// readEnd wants the second of the two zero blocks. Every writer writes both, so
// one alone is a sign of bytes lost; Agave would not notice.
func (t *tarStream) readEnd() error {
	zero, err := t.readBlock()
	if err != nil {
		return fmt.Errorf("read the second zero block: %w", err)
	}
	if !zero {
		return errors.New("one zero block between headers, want two and the end")
	}
	return io.EOF
}

// Read reads the content of the current member. Holes read as zeros.
func (t *tarStream) Read(p []byte) (int, error) {
	if t.pos == t.size {
		return 0, io.EOF
	}
	for t.pos == t.runs[t.run].end() {
		t.run++ // there is another: the last one ends with the content
	}
	if t.pos < t.runs[t.run].offset {
		return t.readHole(p), nil
	}
	p = p[:min(int64(len(p)), t.runs[t.run].end()-t.pos)]
	n, err := t.s.Read(p)
	t.pos += int64(n)
	t.left -= int64(n)
	if n == len(p) {
		return n, nil // an error comes again, where it matters
	}
	return n, noEOF(err)
}

func (t *tarStream) readHole(p []byte) int {
	p = p[:min(int64(len(p)), t.runs[t.run].offset-t.pos)]
	clear(p)
	t.pos += int64(len(p))
	return len(p)
}

// skip reads to the end of the current member, its padding included.
func (t *tarStream) skip() error {
	for n := t.left + t.pad; n > 0; {
		read, err := t.s.Read(t.scratch[:min(n, int64(len(t.scratch)))])
		n -= int64(read)
		if err != nil && n > 0 {
			return noEOF(err)
		}
	}
	t.pos, t.left, t.pad = t.size, 0, 0
	return nil
}

// drain reads what comes after the end, up to limit bytes, so that every
// checksum of the compression counts. It returns how many bytes that were, and
// whether they were all zero, as the padding of other tools is.
func (t *tarStream) drain(limit int64) (trailing int64, zero bool, _ error) {
	zero = true
	for {
		n, err := t.s.Read(t.scratch[:])
		trailing += int64(n)
		zero = zero && allZero(t.scratch[:n])
		if errors.Is(err, io.EOF) {
			return trailing, zero, nil
		}
		if err != nil {
			return trailing, zero, err
		}
		if trailing > limit {
			return trailing, zero, fmt.Errorf("more than %d bytes after the end of the tar", limit)
		}
	}
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
