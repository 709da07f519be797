package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"
)

// ByteSize is a number of bytes, or of bytes a second.
type ByteSize int64

// ParseByteSize reads 51200, 64KiB (powers of 1,024) or 10MB (powers of 1,000).
func ParseByteSize(s string) (ByteSize, error) {
	n, err := humanize.ParseBytes(strings.TrimSpace(s))
	if err != nil || n > math.MaxInt64 {
		return 0, fmt.Errorf("want a size in bytes, such as 51200, 64KiB or 10MB")
	}
	return ByteSize(n), nil
}

// String is exact: a unit only where the number is a whole multiple of it.
func (b ByteSize) String() string {
	for _, unit := range []struct {
		size ByteSize
		name string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if b >= unit.size && b%unit.size == 0 {
			return strconv.FormatInt(int64(b/unit.size), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

func bytesValue(field *ByteSize, lowest, highest ByteSize) pflag.Value {
	parse := func(s string) (ByteSize, error) {
		b, err := ParseByteSize(s)
		if err != nil {
			return 0, err
		}
		return b, within(b, lowest, highest, ByteSize.String)
	}
	return &value[ByteSize]{field, "size", parse, ByteSize.String}
}
