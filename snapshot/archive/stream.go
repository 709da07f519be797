package archive

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync/atomic"
)

// sourceBuffer is how much is asked of the file or the network at a time.
const sourceBuffer = 256 << 10

// stream is the tar stream of an archive, decompressed. It ends with io.EOF only
// where the source does and the decompressor agrees.
type stream struct {
	source      *source
	compression Compression
	decoded     io.Reader
	offset      int64 // bytes of tar read so far
	err         error // what ended it; it is given again and again
}

func openStream(ctx context.Context, r io.Reader) (*stream, error) {
	s := &stream{source: &source{ctx: ctx, r: r}}
	var err error
	s.compression, s.decoded, err = decompress(bufio.NewReaderSize(s.source, sourceBuffer))
	return s, err
}

// Read asks the context too, because little input can be much output.
func (s *stream) Read(p []byte) (n int, _ error) {
	if s.err == nil && s.source.ctx.Err() != nil {
		s.err = context.Cause(s.source.ctx)
	}
	if s.err != nil {
		return 0, s.err
	}
	n, s.err = s.decoded.Read(p)
	s.offset += int64(n)
	if errors.Is(s.err, io.EOF) && s.source.err != nil {
		// The zstd decoder takes any end between two frames for a good one,
		// that of a connection cut off included.
		s.err = s.source.err
	}
	return n, s.err
}

// source counts what comes from the outside, and remembers why it ended.
type source struct {
	ctx      context.Context
	r        io.Reader
	consumed atomic.Int64
	err      error // other than io.EOF
}

func (s *source) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		s.err = context.Cause(s.ctx)
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.consumed.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}
