package archive

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// entry is a tar entry to build, byte for byte. The zero values of typeflag and
// style make headers like those of Agave's storages.
type entry struct {
	name     string
	typeflag byte // 0 is a regular file
	magic    string
	prefix   string
	content  string
	size     string         // what the header says; "" for the truth
	edit     func(b []byte) // last, before the checksum
	sum      string         // what the header says; "" for the truth
}

const (
	gnuMagic   = "ustar  \x00"
	ustarMagic = "ustar\x0000"
	v7Magic    = "\x00\x00\x00\x00\x00\x00\x00\x00"
)

func (e entry) bytes() []byte {
	b := make([]byte, tarBlock)
	copy(b[0:100], e.name)
	size := fmt.Sprintf("%011o\x00", len(e.content))
	copy(b[124:136], orElse(e.size, size))
	b[156] = e.typeflag
	copy(b[257:265], orElse(e.magic, gnuMagic))
	copy(b[345:500], e.prefix)
	if e.edit != nil {
		e.edit(b)
	}
	putTarSum(b)
	copy(b[148:156], e.sum)
	b = append(b, e.content...)
	return append(b, make([]byte, -len(e.content)&(tarBlock-1))...)
}

func putTarSum(header []byte) {
	copy(header[148:156], "        ")
	sum := 0
	for _, c := range header {
		sum += int(c)
	}
	copy(header[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

func orElse(s, fallback string) string {
	if s != "" {
		return s
	}
	return fallback
}

// The members of a small archive in Agave's order.
var (
	versionEntry  = entry{name: "version", typeflag: '0', content: "1.2.0"}
	snapshotsDir  = entry{name: "snapshots/", typeflag: '5'}
	slotDir       = entry{name: "snapshots/7", typeflag: '5'}
	statusEntry   = entry{name: "snapshots/status_cache", typeflag: '0', content: "\x00\x00\x00\x00\x00\x00\x00\x00"}
	manifestEntry = entry{name: "snapshots/7/7", typeflag: '0', content: "manifest"}
)

func storageEntry(name string, accounts ...account) entry {
	return entry{name: "accounts/" + name, content: string(storageBytes(accounts...))}
}

func storageBytes(accounts ...account) (b []byte) {
	for _, a := range accounts {
		b = a.appendRecord(b)
	}
	return b
}

// pubkeyed is an account whose key begins with n.
func pubkeyed(n byte, dataLen int) account {
	a := account{lamports: uint64(n), data: bytes.Repeat([]byte{n}, dataLen)}
	a.pubkey[0], a.owner[31] = n, n
	return a
}

// agaveEntries are those of a small archive as Agave packs it.
func agaveEntries() []entry {
	return []entry{
		versionEntry, snapshotsDir, slotDir, manifestEntry, statusEntry,
		storageEntry("5.0", pubkeyed(1, 0), pubkeyed(2, 165)),
		storageEntry("7.1", pubkeyed(3, 1000)),
	}
}

// endOfTar is two zero blocks.
const endOfTar = 2 * tarBlock

func buildTar(entries ...entry) (b []byte) {
	for _, e := range entries {
		b = append(b, e.bytes()...)
	}
	return append(b, make([]byte, endOfTar)...)
}

// compress makes one zstd frame without a checksum, as Agave does.
func compress(t testing.TB, b []byte, options ...zstd.EOption) []byte {
	t.Helper()
	options = append([]zstd.EOption{zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(1)}, options...)
	encoder, err := zstd.NewWriter(nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	return encoder.EncodeAll(b, nil)
}

// lz4Frame makes one frame with a checksum of the content.
func lz4Frame(t testing.TB, b []byte) []byte {
	t.Helper()
	var frame bytes.Buffer
	w := lz4.NewWriter(&frame)
	if err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return frame.Bytes()
}
