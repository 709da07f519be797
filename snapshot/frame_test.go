package snapshot

import (
	"bytes"
	"errors"
	"testing"
	"testing/iotest"
)

func TestCheckFrame(t *testing.T) {
	for name, tt := range map[string]struct {
		content string
		format  Format
		ok      bool
	}{
		"zstd":                      {"\x28\xb5\x2f\xfd....", FormatZstd, true},
		"zstd, nothing after":       {"\x28\xb5\x2f\xfd", FormatZstd, true},
		"lz4":                       {"\x04\x22\x4d\x18....", FormatLZ4, true},
		"first skippable in zstd":   {"\x50\x2a\x4d\x18....", FormatZstd, true},
		"last skippable in zstd":    {"\x5f\x2a\x4d\x18....", FormatZstd, true},
		"skippable in lz4":          {"\x57\x2a\x4d\x18....", FormatLZ4, true},
		"just below skippable":      {"\x4f\x2a\x4d\x18....", FormatZstd, false},
		"just above skippable":      {"\x60\x2a\x4d\x18....", FormatZstd, false},
		"lz4 named zstd":            {"\x04\x22\x4d\x18....", FormatZstd, false},
		"zstd named lz4":            {"\x28\xb5\x2f\xfd....", FormatLZ4, false},
		"legacy lz4":                {"\x02\x21\x4c\x18....", FormatLZ4, false},
		"bzip2":                     {"BZh91AY&SY", FormatZstd, false},
		"gzip":                      {"\x1f\x8b\x08\x00", FormatZstd, false},
		"plain tar":                 {"version\x00", FormatZstd, false},
		"big-endian magic":          {"\xfd\x2f\xb5\x28....", FormatZstd, false},
		"three bytes of the magic":  {"\x28\xb5\x2f", FormatZstd, false},
		"empty":                     {"", FormatZstd, false},
		"preallocated, not written": {"\x00\x00\x00\x00", FormatZstd, false},
	} {
		err := checkFrame(bytes.NewReader([]byte(tt.content)), tt.format)
		if tt.ok != (err == nil) || (err != nil && !errors.As(err, new(*frameError))) {
			t.Errorf("%s: checkFrame returns %v", name, err)
		}
	}
}

// A file that cannot be read now may be readable later: it must not be refused
// for good.
func TestReadErrorIsNoFrameError(t *testing.T) {
	err := checkFrame(iotest.ErrReader(errors.New("input/output error")), FormatZstd)
	if err == nil || errors.As(err, new(*frameError)) {
		t.Errorf("checkFrame returns %v, want the error of the disk", err)
	}
}
