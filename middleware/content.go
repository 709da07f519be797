package middleware

import (
	"errors"
	"io"
	"os"
)

// content is a file as http.ServeContent wants it. It keeps the offset by
// itself: seeking costs no system call, and the parts of a multi-range response,
// which are read by a goroutine that may outlive the handler, cannot move the
// offset of a descriptor that the next request has.
type content struct {
	file   *os.File
	size   int64 // as it was listed
	offset int64
}

var errSeek = errors.New("seek to before the beginning")

// Seek implements io.Seeker.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.offset
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return c.offset, errSeek
	}
	c.offset = offset
	return offset, nil
}

// Read implements io.Reader. It is not the way of a large body: see
// transfer.ReadFrom.
func (c *content) Read(p []byte) (int, error) {
	n, err := c.file.ReadAt(p, c.offset)
	c.offset += int64(n)
	if n > 0 {
		err = nil // of the next read
	}
	return n, err
}

// descriptor is the file, at the offset, for who sends from it alone.
func (c *content) descriptor() (*os.File, error) {
	_, err := c.file.Seek(c.offset, io.SeekStart)
	return c.file, err
}
