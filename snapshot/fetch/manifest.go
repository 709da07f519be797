package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"solsnap/snapshot"
)

// maxManifest is how long a description may be. An archive of a terabyte has
// 65,536 pieces, whose digests take 4.4 MB.
const maxManifest = 16 << 20

// manifest is what a source says of the archive's bytes: the digest of each
// piece. It is a promise, not a proof: two sources with equal manifests have
// promised the same bytes, and bytes that match have kept it.
type manifest struct {
	size   int64
	pieces []sum
}

// sum is the SHA-256 of a piece.
type sum = [sha256.Size]byte

// pieceSize is how many bytes a manifest has one digest for.
const pieceSize = snapshot.ChunkSize

// pieceCount is the number of pieces of size bytes.
func pieceCount(size int64) int {
	n := size / pieceSize
	if size%pieceSize != 0 {
		n++
	}
	return int(n)
}

// parseManifest reads the answer of /v1/snapshots/NAME. Fields that it does not
// need may be anything; it allocates no more than a few times len(text).
func parseManifest(text []byte, name snapshot.Name) (*manifest, error) {
	var answer struct {
		Name      string   `json:"name"`
		Size      int64    `json:"size"`
		ChunkSize int64    `json:"chunkSize"`
		Chunks    []string `json:"chunks"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	switch {
	case answer.Name != name.String():
		return nil, fmt.Errorf("manifest is of %q", short(answer.Name))
	case answer.Chunks == nil:
		return nil, errors.New("digests are not computed yet")
	case answer.ChunkSize != pieceSize:
		return nil, fmt.Errorf("manifest has chunks of %d bytes, want %d", answer.ChunkSize, pieceSize)
	case answer.Size <= 0 || answer.Size > maxSize || len(answer.Chunks) != pieceCount(answer.Size):
		return nil, fmt.Errorf("manifest has %d chunks for %d bytes", len(answer.Chunks), answer.Size)
	}
	m := &manifest{size: answer.Size, pieces: make([]sum, len(answer.Chunks))}
	for i, chunk := range answer.Chunks {
		if n, err := hex.Decode(m.pieces[i][:], []byte(chunk[:min(len(chunk), 2*sha256.Size)])); err != nil ||
			n != sha256.Size || len(chunk) != 2*sha256.Size {
			return nil, fmt.Errorf("manifest has %q for the digest of chunk %d", short(chunk), i)
		}
	}
	return m, nil
}

// equal reports whether two sources have promised the same bytes.
func (m *manifest) equal(other *manifest) bool {
	if m.size != other.size || len(m.pieces) != len(other.pieces) {
		return false
	}
	for i := range m.pieces {
		if m.pieces[i] != other.pieces[i] {
			return false
		}
	}
	return true
}
