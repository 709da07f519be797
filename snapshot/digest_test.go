package snapshot

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

var someKey = digestKey{name: fullName(100, 1), size: ChunkSize + 1, modTime: 1700000000123456789, inode: math.MaxUint64}

var someDigest = Digest{SHA256: [32]byte{1}, Chunks: [][32]byte{{2}, {3}}}

func TestDigestRoundTrip(t *testing.T) {
	before1970 := someKey
	before1970.modTime = -1
	for _, key := range []digestKey{someKey, before1970} {
		got, err := decodeDigest(encodeDigest(key, someDigest), key)
		if err != nil || !reflect.DeepEqual(got, someDigest) {
			t.Errorf("digest comes back as %+v, %v", got, err)
		}
	}
}

// What is kept today must be found by the next version.
func TestDigestFormat(t *testing.T) {
	key := digestKey{name: fullName(100, 1), size: 5, modTime: 7, inode: 9}
	want := "solsnap-digest 1\nname " + fullName(100, 1).String() + "\nsize 5\nmodified 7\ninode 9\n" +
		"sha256 " + strings.Repeat("01", 32) + "\nchunk " + strings.Repeat("02", 32) + "\n" +
		"check "
	got := string(encodeDigest(key, Digest{
		SHA256: [32]byte(bytes.Repeat([]byte{1}, 32)),
		Chunks: [][32]byte{[32]byte(bytes.Repeat([]byte{2}, 32))},
	}))
	if !strings.HasPrefix(got, want) || len(got) != len(want)+65 {
		t.Errorf("digest is kept as\n%s\nwant\n%s…", got, want)
	}
}

func TestDigestOfOtherBytesIsStale(t *testing.T) {
	text := encodeDigest(someKey, someDigest)
	for name, change := range map[string]func(*digestKey){
		"name":     func(k *digestKey) { k.name.Hash[0]++ },
		"size":     func(k *digestKey) { k.size++ },
		"modified": func(k *digestKey) { k.modTime++ },
		"inode":    func(k *digestKey) { k.inode-- },
	} {
		key := someKey
		change(&key)
		if _, err := decodeDigest(text, key); !errors.Is(err, errStale) {
			t.Errorf("with another %s, decodeDigest returns %v", name, err)
		}
	}
}

// Every single damaged byte, missing end and extra line is seen.
func TestDamagedDigest(t *testing.T) {
	text := encodeDigest(someKey, someDigest)
	for i := range text {
		damaged := bytes.Clone(text)
		damaged[i] ^= 1
		if d, err := decodeDigest(damaged, someKey); err == nil || errors.Is(err, errStale) {
			t.Errorf("with byte %d (%q) damaged, decodeDigest returns %+v, %v", i, text[i], d, err)
		}
		if _, err := decodeDigest(text[:i], someKey); err == nil {
			t.Errorf("the first %d bytes are taken for all", i)
		}
	}
	for _, extra := range []string{"\n", "chunk " + strings.Repeat("0", 64) + "\n", " "} {
		if _, err := decodeDigest(append(bytes.Clone(text), extra...), someKey); err == nil {
			t.Errorf("%q after the end is accepted", extra)
		}
	}
	for name, replace := range map[string][2]string{
		"leading zero":    {"size 1", "size 01"},
		"plus":            {"inode 1", "inode +1"},
		"carriage return": {"\ninode", "\r\ninode"},
		"upper case":      {"sha256 01", "sha256 0A"},
		"odd":             {"sha256 01", "sha256 1"},
		"huge size":       {"size ", "size 99999999999999"},
		"a chunk less":    {"chunk 02", "check 02"},
	} {
		damaged := strings.Replace(string(text), replace[0], replace[1], 1)
		if _, err := decodeDigest([]byte(damaged), someKey); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestChunkCount(t *testing.T) {
	for size, want := range map[int64]int64{
		0: 0, 1: 1, ChunkSize - 1: 1, ChunkSize: 1, ChunkSize + 1: 2, math.MaxInt64: 1 << 39,
	} {
		if got := chunkCount(size); got != want {
			t.Errorf("%d bytes have %d chunks, want %d", size, got, want)
		}
	}
}

func FuzzDecodeDigest(f *testing.F) {
	f.Add(encodeDigest(someKey, someDigest))
	f.Add(encodeDigest(digestKey{name: fullName(1, 1)}, Digest{}))
	f.Add([]byte(digestMagic))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := decodeDigest(text, someKey)
		if err == nil && !bytes.Equal(encodeDigest(someKey, d), text) {
			t.Error("what is accepted is not what would be written")
		}
		if len(d.Chunks)*sha256.Size > len(text) {
			t.Errorf("%d chunks from %d bytes", len(d.Chunks), len(text))
		}
	})
}
