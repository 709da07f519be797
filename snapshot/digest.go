package snapshot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ChunkSize is how many bytes of an archive each of Digest.Chunks covers.
const ChunkSize = 16 << 20

// Digest is the SHA-256 of an archive's bytes, which its snapshot hash is not.
type Digest struct {
	// SHA256 is of the whole file.
	SHA256 [32]byte
	// Chunks are of every ChunkSize bytes from the first; the last one covers
	// what is left. The slice is never modified.
	Chunks [][32]byte
}

// chunkCount is the number of chunks of a file of size bytes.
func chunkCount(size int64) int64 {
	n := size / ChunkSize
	if size%ChunkSize != 0 {
		n++
	}
	return n
}

// digestKey tells for which bytes a digest is: those of a file that has changed
// in none of these. The device is not part of it, because its number may be
// another after a restart.
type digestKey struct {
	name    Name
	size    int64
	modTime int64 // nanoseconds since 1970
	inode   uint64
}

func digestKeyOf(a Archive) digestKey {
	return digestKey{name: a.Name, size: a.Size, modTime: a.ModTime.UnixNano(), inode: a.inode.number}
}

// digestMagic begins the text of a remembered digest. This must not change
// unless the rest does, or digests are computed anew for nothing.
const digestMagic = "solsnap-digest 1\n"

// encodeDigest prints a digest and what it is of:
//
//	solsnap-digest 1
//	name snapshot-100-….tar.zst
//	size 17000000
//	modified 1700000000123456789
//	inode 42
//	sha256 …
//	chunk …
//	chunk …
//	check …
//
// Hashes are in hexadecimal; check is the SHA-256 of the lines above it.
func encodeDigest(key digestKey, d Digest) []byte {
	var b bytes.Buffer
	b.WriteString(digestMagic)
	fmt.Fprintf(&b, "name %s\nsize %d\nmodified %d\ninode %d\nsha256 %x\n",
		key.name, key.size, key.modTime, key.inode, d.SHA256)
	for _, chunk := range d.Chunks {
		fmt.Fprintf(&b, "chunk %x\n", chunk)
	}
	fmt.Fprintf(&b, "check %x\n", sha256.Sum256(b.Bytes()))
	return b.Bytes()
}

// errStale means that a remembered digest is of other bytes.
var errStale = errors.New("digest is of a file that has changed since")

// decodeDigest reads what encodeDigest prints, to the byte. It returns errStale
// if that is well-formed but is not for key. It allocates no more than a few
// times len(text).
func decodeDigest(text []byte, key digestKey) (Digest, error) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	if !lines.Scan() || lines.Text()+"\n" != digestMagic {
		return Digest{}, errors.New("digest does not begin as it must")
	}
	fields := digestReader{lines: lines}
	found := digestKey{
		name:    fields.name(),
		size:    fields.signed("size"),
		modTime: fields.signed("modified"),
		inode:   fields.unsigned("inode"),
	}
	d := Digest{SHA256: fields.hash("sha256")}
	for n := chunkCount(found.size); n > 0 && fields.err == nil; n-- {
		d.Chunks = append(d.Chunks, fields.hash("chunk"))
	}
	switch {
	case fields.err != nil:
		return Digest{}, fields.err
	case !bytes.Equal(encodeDigest(found, d), text):
		return Digest{}, errors.New("digest is damaged: its check does not match")
	case found != key:
		return Digest{}, errStale
	}
	return d, nil
}

// digestReader reads line by line and remembers its first error.
type digestReader struct {
	lines *bufio.Scanner
	err   error
}

func (r *digestReader) value(field string) string {
	if r.err != nil {
		return ""
	}
	if !r.lines.Scan() {
		r.err = fmt.Errorf("digest ends before its %s", field)
		return ""
	}
	value, ok := strings.CutPrefix(r.lines.Text(), field+" ")
	if !ok {
		r.err = fmt.Errorf("digest lacks its %s", field)
	}
	return value
}

func (r *digestReader) fail(field string, err error) {
	if r.err == nil && err != nil {
		r.err = fmt.Errorf("digest has a bad %s: %w", field, err)
	}
}

func (r *digestReader) name() Name {
	name, err := ParseName(r.value("name"))
	r.fail("name", err)
	return name
}

func (r *digestReader) signed(field string) int64 {
	n, err := strconv.ParseInt(r.value(field), 10, 64)
	r.fail(field, err)
	return n
}

func (r *digestReader) unsigned(field string) uint64 {
	n, err := strconv.ParseUint(r.value(field), 10, 64)
	r.fail(field, err)
	return n
}

func (r *digestReader) hash(field string) (h [32]byte) {
	value := r.value(field)
	n, err := hex.Decode(h[:], []byte(value[:min(len(value), 2*len(h))]))
	if err == nil && (n != len(h) || len(value) != 2*len(h)) {
		err = fmt.Errorf("it has %d characters, want %d", len(value), 2*len(h))
	}
	r.fail(field, err)
	return h
}
