package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// debugParams prints parameters as Rust's {:?} prints jsonrpc-core's Params,
// which Agave sends as the data of some errors.
func debugParams(v any) string {
	var b strings.Builder
	switch v := v.(type) {
	case []any:
		b.WriteString("Array(")
		debugList(&b, v)
	case map[string]any:
		b.WriteString("Map(")
		debugMap(&b, v)
	}
	b.WriteByte(')')
	return b.String()
}

// debugValue prints as {:?} prints serde_json's Value.
func debugValue(b *strings.Builder, v any) {
	switch v := v.(type) {
	case bool:
		fmt.Fprintf(b, "Bool(%t)", v)
	case json.Number:
		fmt.Fprintf(b, "Number(%s)", rustNumber(v))
	case string:
		fmt.Fprintf(b, "String(%s)", rustString(v))
	case []any:
		b.WriteString("Array ")
		debugList(b, v)
	case map[string]any:
		b.WriteString("Object ")
		debugMap(b, v)
	default:
		b.WriteString("Null")
	}
}

func debugList(b *strings.Builder, list []any) {
	b.WriteByte('[')
	for i, v := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		debugValue(b, v)
	}
	b.WriteByte(']')
}

// debugMap prints the members in the order of their names, as a BTreeMap's.
func debugMap(b *strings.Builder, object map[string]any) {
	b.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(rustString(name) + ": ")
		debugValue(b, object[name])
	}
	b.WriteByte('}')
}

// rustString prints a string as {:?} does.
func rustString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == 0:
			b.WriteString(`\0`)
		case !unicode.IsPrint(r) || unicode.Is(unicode.Mn, r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// rustFloat prints a float64 as Rust's serde_json does, whose f64 always shows
// that it is one: 1.0, 0.08, 1e16. It is the shortest text that reads back as
// the same number, in the format of the ryu crate.
func rustFloat(v float64) string {
	if magnitude := math.Abs(v); magnitude != 0 && (magnitude < 1e-5 || magnitude >= 1e16) {
		return exponent(v)
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if v == math.Trunc(v) {
		text += ".0"
	}
	return text
}

// exponent prints 1e-7 where Go would print 1e-07 and 1e+16.
func exponent(v float64) string {
	digits, exp, _ := bytes.Cut(strconv.AppendFloat(nil, v, 'e', -1, 64), []byte("e"))
	n, _ := strconv.Atoi(string(exp))
	return string(digits) + "e" + strconv.Itoa(n)
}
