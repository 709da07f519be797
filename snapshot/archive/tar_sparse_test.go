package archive

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// sparseContent is a storage whose middle is zero.
func sparseContent() []byte {
	data := make([]byte, sparseContentSize-recordHeaderSize)
	copy(data, bytes.Repeat([]byte{1}, 300))
	copy(data[9000:], bytes.Repeat([]byte{2}, 56))
	return storageBytes(account{lamports: 1, data: data})
}

const sparseContentSize = 9192

// sparseEntry stores it without its middle.
func sparseEntry(name string) entry {
	content := sparseContent()
	return entry{
		name: "accounts/" + name, typeflag: 'S',
		content: string(content[:512]) + string(content[8704:]),
		edit:    func(b []byte) { putSparse(b, sparseMap, sparseContentSize, run{0, 512}, run{8704, 488}) },
	}
}

func putSparse(b []byte, at int, size int64, runs ...run) {
	for i, r := range runs {
		copy(b[at+24*i:], tarNumber(r.offset)+tarNumber(r.length))
	}
	copy(b[sparseSize:], tarNumber(size))
}

// tarNumber is a field of 12 bytes.
func tarNumber(n int64) string {
	if n < 8<<30 {
		return fmt.Sprintf("%011o\x00", n)
	}
	return "\x80\x00\x00\x00" + string(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// sparseTape is an archive with one sparse storage of that content and map; more
// is what comes between the header and the content.
func sparseTape(content string, more []byte, edit func(b []byte)) []byte {
	e := entry{name: "accounts/8.8", typeflag: 'S', content: content, edit: edit}.bytes()
	b := versionEntry.bytes()
	b = append(append(append(b, e[:tarBlock]...), more...), e[tarBlock:]...)
	return append(b, make([]byte, endOfTar)...)
}

func readStorage(b []byte) (Member, []byte, error) {
	r, err := NewReader(context.Background(), bytes.NewReader(b))
	if err != nil {
		return Member{}, nil, err
	}
	for {
		m, err := r.Next()
		if err != nil {
			return m, nil, err
		}
		if m.Kind == StorageMember {
			content, err := io.ReadAll(iotest.HalfReader(r))
			if err == nil {
				_, err = r.Next()
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return m, content, err
		}
	}
}

func TestSparseMember(t *testing.T) {
	want := sparseContent()
	stored := string(want[:512]) + string(want[8704:])
	extension := make([]byte, 2*tarBlock)
	putRuns(extension, run{512, 0}, run{1024, 0})
	extension[extensionMore] = 1
	putRuns(extension[tarBlock:], run{8704, 488})
	for name, tape := range map[string][]byte{
		"map in the header": sparseTape(stored, nil, func(b []byte) { putSparse(b, sparseMap, 9192, run{0, 512}, run{8704, 488}) }),
		"empty run last":    sparseTape(stored, nil, func(b []byte) { putSparse(b, sparseMap, 9192, run{0, 512}, run{8704, 488}, run{9192, 0}) }),
		"empty run between": sparseTape(stored, nil, func(b []byte) { putSparse(b, sparseMap, 9192, run{0, 512}, run{600, 0}, run{8704, 488}) }),
		"no hole":           sparseTape(string(want), nil, func(b []byte) { putSparse(b, sparseMap, 9192, run{0, 9192}) }),
		"extensions": sparseTape(stored, extension, func(b []byte) {
			putSparse(b, sparseMap, 9192, run{0, 512})
			b[sparseMore] = 1
		}),
	} {
		m, got, err := readStorage(tape)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, or the content differs", name, err)
		}
		if m.Size != sparseContentSize || m.Offset < 3*tarBlock || tape[m.Offset+136] != 1 {
			t.Errorf("%s: member %+v", name, m)
		}
	}
	_, got, err := readStorage(sparseTape("", nil, func(b []byte) { putSparse(b, sparseMap, 1<<20, run{1 << 20, 0}) }))
	if err != nil || !bytes.Equal(got, make([]byte, 1<<20)) {
		t.Errorf("all hole: %v", err)
	}
}

func putRuns(b []byte, runs ...run) {
	size := [12]byte(b[sparseSize:])
	putSparse(b, extensionMap, 0, runs...)
	copy(b[sparseSize:], size[:]) // is in the midst of an extension's map
}

func TestSparseMemberRefused(t *testing.T) {
	many := make([]byte, 0, tarBlock*(maxSparseRuns/21+2))
	for range maxSparseRuns/21 + 2 {
		extension := make([]byte, tarBlock)
		for i := range 21 {
			copy(extension[24*i:], "00000000000\x0000000000000\x00")
		}
		extension[extensionMore] = 1
		many = append(many, extension...)
	}
	kib := strings.Repeat("x", 1024)
	for name, tt := range map[string]struct {
		content string
		more    []byte
		size    int64
		runs    []run
		wantErr string
	}{
		"overlap":              {kib, nil, 1536, []run{{0, 1024}, {512, 1024}}, "after one that ends at 1024"},
		"descending":           {kib, nil, 2048, []run{{1024, 512}, {0, 512}}, "after one that ends at 1536"},
		"overflow":             {kib, nil, 2048, []run{{512, math.MaxInt64}}, "run of 9223372036854775807 bytes at 512"},
		"part of a block":      {kib, nil, 2048, []run{{0, 500}, {1500, 524}}, "after a part of a block"},
		"hole at the end":      {kib, nil, 2048, []run{{0, 1024}}, "want 2048 and 1024"},
		"past the size":        {kib, nil, 1000, []run{{0, 1024}}, "want 1000 and 1024"},
		"more than stored":     {kib, nil, 2048, []run{{0, 512}, {512, 1536}}, "runs end at 2048 with 2048 bytes"},
		"less than stored":     {kib, nil, 512, []run{{0, 512}}, "want 512 and 1024"},
		"no map":               {kib, nil, 1024, nil, "runs end at 0 with 0 bytes"},
		"more than 16 GiB":     {"", nil, 16<<30 + 1, []run{{16<<30 + 1, 0}}, "at most 17179869184"},
		"too many runs":        {"", many, 1024, []run{{0, 0}}, "more than 65536 sparse runs"},
		"extension cut short":  {"", many[:tarBlock], 1024, []run{{0, 0}}, ""},
		"extension is content": {kib, nil, 1024, []run{{0, 0}}, ""},
	} {
		tape := sparseTape(tt.content, tt.more, func(b []byte) {
			putSparse(b, sparseMap, tt.size, tt.runs...)
			if tt.more != nil || strings.HasPrefix(name, "extension") {
				b[sparseMore] = 1
			}
		})
		_, _, err := readStorage(tape)
		if failed := (*MemberError)(nil); !errors.As(err, &failed) || failed.Member != "accounts/8.8" || !strings.Contains(err.Error(), tt.wantErr) {
			t.Errorf("%s: %v, want an error of accounts/8.8 with %q", name, err, tt.wantErr)
		}
	}
}

// What GNU tar itself makes of a file with holes.
func TestSparseMemberOfGNUTar(t *testing.T) {
	out, err := exec.Command("tar", "--version").Output()
	if err != nil || !bytes.Contains(out, []byte("GNU tar")) {
		t.Skip("no GNU tar")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "accounts"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "version"), []byte("1.2.0"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := writeHoles(t, filepath.Join(dir, "accounts/8.8"))
	cmd := exec.Command("tar", "-c", "-S", "--hole-detection=raw", "-H", "gnu", "-b", "1", "version", "accounts/8.8")
	cmd.Dir = dir
	tape, err := cmd.Output()
	if err != nil {
		t.Skipf("tar cannot make it: %v", err)
	}
	m, got, err := readStorage(tape)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, or the content differs", err)
	}
	if m.Stored >= m.Size {
		t.Skip("the file system keeps no holes")
	}
}

// writeHoles writes a file of more runs than a header's map holds, and returns
// its content.
func writeHoles(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := make([]byte, 1<<20)
	for i := 0; i < len(want); i += 32 << 10 {
		want[i] = 1
		if _, err := f.WriteAt([]byte{1}, int64(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(int64(len(want))); err != nil {
		t.Fatal(err)
	}
	return want
}
