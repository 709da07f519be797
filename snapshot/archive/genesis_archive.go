package archive

import (
	"archive/tar"
	"bytes"
	stdbzip2 "compress/bzip2"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dsnet/compress/bzip2"

	"solsnap/snapshot"
)

// The limits that every client puts on a genesis archive before it trusts it
// (Agave genesis-utils/src/open.rs MAX_GENESIS_ARCHIVE_UNPACKED_SIZE,
// snapshots/src/hardened_unpack.rs MAX_GENESIS_ARCHIVE_UNPACKED_COUNT).
const (
	maxGenesisBytes   = 10_485_760
	maxGenesisEntries = 100
	// maxGenesisStream also has room for tar's headers, padding and extended
	// headers, none of which count as unpacked.
	maxGenesisStream = maxGenesisBytes + 1<<20
)

// genesisMember is the member that holds the genesis itself.
const genesisMember = "genesis.bin"

// GenesisHash is the genesis hash of a cluster: the SHA-256 of its genesis.bin,
// whole and as it is on disk.
func GenesisHash(genesisBin []byte) snapshot.Hash { return sha256.Sum256(genesisBin) }

// WriteGenesisArchive writes the bzip2 tar that a node offers as
// /genesis.tar.bz2. genesis.bin is its only member and so its first, as
// Firedancer demands. Equal input gives equal bytes: times and owners are zero.
func WriteGenesisArchive(w io.Writer, genesisBin []byte) error {
	if err := writeGenesisArchive(w, genesisBin); err != nil {
		return fmt.Errorf("write genesis archive: %w", err)
	}
	return nil
}

func writeGenesisArchive(w io.Writer, genesisBin []byte) error {
	if len(genesisBin) == 0 || len(genesisBin) > maxGenesisBytes {
		return fmt.Errorf("genesis.bin has %d bytes, want 1 to %d", len(genesisBin), maxGenesisBytes)
	}
	compressed, err := bzip2.NewWriter(w, &bzip2.WriterConfig{Level: bzip2.BestCompression})
	if err != nil {
		return err
	}
	stream := tar.NewWriter(compressed)
	header := &tar.Header{Typeflag: tar.TypeReg, Name: genesisMember, Size: int64(len(genesisBin)), Mode: 0o644, Format: tar.FormatGNU}
	if err := stream.WriteHeader(header); err != nil {
		return err
	}
	if _, err := stream.Write(genesisBin); err != nil {
		return err
	}
	return errors.Join(stream.Close(), compressed.Close())
}

// ReadGenesisArchive returns the genesis.bin of a bzip2 tar. It is as strict as
// Agave: at most 10,485,760 bytes unpacked and 100 members, RocksDB's members
// are passed over, and any other member, or a second genesis.bin, is an error
// that names it. The stream is read to its end so that its checksums count.
func ReadGenesisArchive(r io.Reader) (genesisBin []byte, err error) {
	contents, err := readGenesisArchive(r)
	return contents.bin, err
}

// genesisContents is what an archive turned out to hold.
type genesisContents struct {
	bin []byte
	// first tells that no member came before genesis.bin. Agave does not mind;
	// Firedancer reads only the first member.
	first bool
}

func readGenesisArchive(r io.Reader) (genesisContents, error) {
	stream := &boundedReader{r: stdbzip2.NewReader(r), left: maxGenesisStream}
	contents, err := readGenesisMembers(tar.NewReader(stream))
	if err != nil {
		return genesisContents{}, fmt.Errorf("read genesis archive: %w", err)
	}
	if _, err := io.Copy(io.Discard, stream); err != nil {
		return genesisContents{}, fmt.Errorf("read genesis archive to its end: %w", err)
	}
	if len(contents.bin) == 0 {
		return genesisContents{}, errors.New("read genesis archive: no genesis.bin in it, or an empty one")
	}
	return contents, nil
}

func readGenesisMembers(members *tar.Reader) (contents genesisContents, _ error) {
	left := int64(maxGenesisBytes)
	for count := 0; ; count++ {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return contents, nil
		}
		if err != nil {
			return contents, err
		}
		if count == maxGenesisEntries {
			return contents, fmt.Errorf("more than %d members", maxGenesisEntries)
		}
		if left -= header.Size; left < 0 || header.Size < 0 {
			return contents, fmt.Errorf("member %q takes the unpacked size above %d bytes", header.Name, maxGenesisBytes)
		}
		if ignoredGenesisMember(header) {
			continue
		}
		if header.Name != genesisMember || !regularMember(header.Typeflag) {
			return contents, fmt.Errorf("unexpected member %q of type %q", header.Name, header.Typeflag)
		}
		if contents.bin != nil {
			return contents, fmt.Errorf("second member %q", header.Name)
		}
		contents.first = count == 0
		if contents.bin, err = readMember(members, header.Size); err != nil {
			return contents, fmt.Errorf("member %q: %w", header.Name, err)
		}
	}
}

// ignoredGenesisMember accepts the RocksDB of slot 0 that Agave's
// create_new_ledger packs beside genesis.bin and that every client ignores.
func ignoredGenesisMember(h *tar.Header) bool {
	if dir := strings.TrimSuffix(h.Name, "/"); dir == "rocksdb" || dir == "rocksdb_fifo" {
		return h.Typeflag == tar.TypeDir
	}
	dir, file, ok := strings.Cut(h.Name, "/")
	return ok && (dir == "rocksdb" || dir == "rocksdb_fifo") &&
		file != "" && file != "." && file != ".." && !strings.Contains(file, "/") &&
		regularMember(h.Typeflag)
}

func regularMember(flag byte) bool { return flag == tar.TypeReg || flag == tar.TypeGNUSparse }

// readMember grows with what arrives, so that a header alone cannot make it
// allocate what it promises.
func readMember(r io.Reader, size int64) ([]byte, error) {
	var buffer bytes.Buffer
	if _, err := io.CopyN(&buffer, r, size); err != nil {
		return nil, fmt.Errorf("after %d of %d bytes: %w", buffer.Len(), size, err)
	}
	return append([]byte{}, buffer.Bytes()...), nil
}

// boundedReader fails, where io.LimitedReader would only end, when more than
// left bytes come.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("more than %d bytes unpacked", int64(maxGenesisStream))
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
