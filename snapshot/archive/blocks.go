package archive

import (
	"errors"
	"fmt"
	"io"
)

// BlockSize is a good size for the memory handed to Blocks.Next: large enough
// that handing over is cheap, small enough for a core's cache.
const BlockSize = 1 << 20

// Block is a run of whole records of one storage. It is independent of what
// comes before and after, and can be walked by another goroutine.
type Block struct {
	// Member is the storage.
	Member Member
	// Offset is where Data is in the storage.
	Offset int64
	// Data begins and ends where records do.
	Data []byte
}

// Records walks the block.
func (b *Block) Records() Records { return Records{data: b.Data, base: b.Offset, member: &b.Member} }

// Blocks cuts storages into blocks of whole records as they are read, so that a
// storage of many GiB takes no more memory than a small one. The zero value is
// ready for Reset.
type Blocks struct {
	r      io.Reader
	member Member
	offset int64 // in the storage, of what the next block begins with
	left   int64 // bytes of the storage not read yet
	carry  []byte
	tail   Tail
	err    error
}

// Tail tells how a storage ended.
type Tail struct {
	// Unaligned tells that the last record had no padding, or not all of it.
	Unaligned bool
	// Ignored counts the bytes after the last record: too few for a record, or
	// zeros and whatever follows them.
	Ignored int64
}

// Reset begins with another storage, whose content is what r reads next. A
// caller that knows better than the tar where m ends, from an old manifest, sets
// m.Size.
func (s *Blocks) Reset(r io.Reader, m Member) {
	*s = Blocks{r: r, member: m, left: m.Size, carry: s.carry[:0]}
}

// Tail is how the storage ended. It is known once Next has returned io.EOF.
func (s *Blocks) Tail() Tail { return s.tail }

// Next reads the next block, into buf as long as there is room for one record
// at least, else into new memory of up to 10 MiB. Blocks keeps nothing of it. At
// the end of the storage the error is io.EOF, and every other one is a
// *MemberError. Not all of a broken record is noticed here: Records does so.
func (s *Blocks) Next(buf []byte) (Block, error) {
	if s.err != nil {
		return Block{}, s.err
	}
	b, err := s.next(buf)
	if err != nil {
		s.err = err
	}
	return b, err
}

func (s *Blocks) next(buf []byte) (Block, error) {
	data := buf[:0:len(buf)]
	data = append(data, s.carry...)
	cut := blockCut{need: recordHeaderSize}
	for cut.whole == 0 && !cut.ended {
		var err error
		if data, err = s.fill(data, cut.need); err != nil {
			return Block{}, err
		}
		if cut, err = s.cut(data); err != nil {
			return Block{}, err
		}
	}
	rest := data[cut.whole:]
	s.carry = append(s.carry[:0], rest...)
	if cut.ended {
		s.err = io.EOF
		s.tail = Tail{Unaligned: cut.unaligned, Ignored: int64(len(rest)) + s.left}
	}
	if cut.whole == 0 {
		return Block{}, io.EOF
	}
	b := Block{Member: s.member, Offset: s.offset, Data: data[:cut.whole]}
	s.offset += int64(cut.whole)
	return b, nil
}

// fill reads on until data is full, after it has made room for need bytes, if
// there are so many.
func (s *Blocks) fill(data []byte, need int) ([]byte, error) {
	if need = int(min(int64(need), int64(len(data))+s.left)); cap(data) < need {
		data = append(make([]byte, 0, need), data...)
	}
	more := int(min(int64(cap(data)-len(data)), s.left))
	n, err := io.ReadFull(s.r, data[len(data):len(data)+more])
	s.left -= int64(n)
	if err != nil && !errors.As(err, new(*MemberError)) {
		err = s.member.fail(s.member.Size-s.left, noEOF(err))
	}
	return data[:len(data)+n], err
}

// blockCut says where a block ends.
type blockCut struct {
	whole     int  // bytes of whole records
	need      int  // bytes that it takes to have one more
	ended     bool // the storage has no more records
	unaligned bool
}

// cut looks only at the lengths of the records.
func (s *Blocks) cut(data []byte) (c blockCut, _ error) {
	for {
		rest := data[c.whole:]
		dataLen, ok, err := parseRecordHeader(rest)
		if err == nil && ok && int64(recordHeaderSize+dataLen) > int64(len(rest))+s.left {
			err = fmt.Errorf("data of %d bytes %w", dataLen, errRecordPastEnd)
		}
		if err != nil {
			offset := s.offset + int64(c.whole)
			return c, s.member.fail(offset, &RecordError{Offset: offset, Err: err})
		}
		if !ok {
			c.need = c.whole + recordHeaderSize
			c.ended = s.left == 0 || len(rest) >= recordHeaderSize
			return c, nil
		}
		span := recordSpan(dataLen)
		if span > len(rest) && s.left > 0 {
			c.need = c.whole + span
			return c, nil
		}
		c.unaligned = span > len(rest)
		c.whole += min(span, len(rest))
	}
}
