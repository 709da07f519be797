package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"solsnap/snapshot"
)

// value is a setting of one type: a pflag.Value over a field of a Config.
type value[T any] struct {
	field *T
	kind  string // a word for the usage text
	parse func(string) (T, error)
	print func(T) string
}

// Set changes the field only if text is good.
func (v *value[T]) Set(text string) error {
	parsed, err := v.parse(text)
	if err == nil {
		*v.field = parsed
	}
	return err
}

func (v *value[T]) String() string { return v.print(*v.field) }
func (v *value[T]) Type() string   { return v.kind }

// list is a setting that may be given many times, or once with commas. The
// first Set drops the default.
type list[T any] struct {
	field *[]T
	kind  string
	parse func(string) (T, error)
	print func(T) string
	given bool
}

func (l *list[T]) Set(text string) error {
	parsed, err := l.parseAll(text)
	if err != nil {
		return err
	}
	if !l.given {
		*l.field = nil
	}
	*l.field, l.given = append(*l.field, parsed...), true
	return nil
}

func (l *list[T]) parseAll(text string) (all []T, _ error) {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		parsed, err := l.parse(item)
		if err != nil {
			return nil, err
		}
		all = append(all, parsed)
	}
	return all, nil
}

func (l *list[T]) String() string {
	texts := make([]string, 0, len(*l.field))
	for _, item := range *l.field {
		texts = append(texts, l.print(item))
	}
	return strings.Join(texts, ",")
}

func (l *list[T]) Type() string { return l.kind }

// many tells the loader that a file may give a list.
func (l *list[T]) many() {}

// within is the range check of every number, with a message that says what is
// allowed in the terms of the setting.
func within[T cmp.Ordered](v, lowest, highest T, text func(T) string) error {
	if v < lowest || v > highest {
		return fmt.Errorf("want %s to %s", text(lowest), text(highest))
	}
	return nil
}

func textValue(field *string, kind string) pflag.Value {
	same := func(s string) string { return s }
	return &value[string]{field, kind, func(s string) (string, error) { return s, nil }, same}
}

func textList(field *[]string, kind string) pflag.Value {
	same := func(s string) string { return s }
	return &list[string]{field: field, kind: kind, parse: func(s string) (string, error) { return s, nil }, print: same}
}

func choiceValue(field *string, choices ...string) pflag.Value {
	parse := func(s string) (string, error) {
		if !slices.Contains(choices, s) {
			return "", fmt.Errorf("want %s", strings.Join(choices, " or "))
		}
		return s, nil
	}
	return &value[string]{field, strings.Join(choices, "|"), parse, func(s string) string { return s }}
}

func boolValue(field *bool) pflag.Value {
	parse := func(s string) (bool, error) {
		switch s {
		case "true", "false":
			return s == "true", nil
		}
		return false, fmt.Errorf("want true or false")
	}
	return &value[bool]{field, "bool", parse, strconv.FormatBool}
}

func wholeValue[T ~int | ~uint16 | ~uint64](field *T, lowest, highest T) pflag.Value {
	text := func(n T) string { return strconv.FormatUint(uint64(n), 10) }
	parse := func(s string) (T, error) {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil || n > uint64(highest) {
			return 0, fmt.Errorf("want a whole number, %s to %s", text(lowest), text(highest))
		}
		return T(n), within(T(n), lowest, highest, text)
	}
	return &value[T]{field, "number", parse, text}
}

func portValue(field *uint16) pflag.Value { return wholeValue(field, 0, math.MaxUint16) }

func rateValue(field *float64, lowest, highest float64) pflag.Value {
	text := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	parse := func(s string) (float64, error) {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(f) {
			return 0, fmt.Errorf("want a number, %s to %s", text(lowest), text(highest))
		}
		return f, within(f, lowest, highest, text)
	}
	return &value[float64]{field, "number", parse, text}
}

// durationValue refuses a bare number: nobody can tell what 7 was to mean. Only
// 0 needs no unit.
func durationValue(field *time.Duration, lowest, highest time.Duration) pflag.Value {
	parse := func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, fmt.Errorf("want a duration with its unit, such as 90s or 10m")
		}
		return d, within(d, lowest, highest, printDuration)
	}
	return &value[time.Duration]{field, "duration", parse, printDuration}
}

// printDuration is time.Duration.String without the zeros that nobody types.
func printDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func addressList(field *[]netip.Addr) pflag.Value {
	parse := func(s string) (netip.Addr, error) {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("want an IP address without a port, such as :: or 0.0.0.0")
		}
		return addr, nil
	}
	return &list[netip.Addr]{field: field, kind: "address", parse: parse, print: netip.Addr.String}
}

// addrPortValue takes "off" and nothing as no address at all.
func addrPortValue(field *netip.AddrPort) pflag.Value {
	parse := func(s string) (netip.AddrPort, error) {
		if s == "" || s == "off" {
			return netip.AddrPort{}, nil
		}
		addr, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("want an IP address and a port, such as 127.0.0.1:8898, or off")
		}
		return addr, nil
	}
	text := func(a netip.AddrPort) string {
		if !a.IsValid() {
			return "off"
		}
		return a.String()
	}
	return &value[netip.AddrPort]{field, "address:port", parse, text}
}

// hashValue takes nothing as no hash.
func hashValue(field **snapshot.Hash) pflag.Value {
	parse := func(s string) (*snapshot.Hash, error) {
		if s == "" {
			return nil, nil
		}
		hash, err := snapshot.ParseHash(s)
		return &hash, err
	}
	text := func(h *snapshot.Hash) string {
		if h == nil {
			return ""
		}
		return h.String()
	}
	return &value[*snapshot.Hash]{field, "hash", parse, text}
}

var logLevels = []string{"debug", "info", "warn", "error"}

func levelValue(field *slog.Level) pflag.Value {
	parse := func(s string) (level slog.Level, _ error) {
		if !slices.Contains(logLevels, s) {
			return 0, fmt.Errorf("want %s", strings.Join(logLevels, " or "))
		}
		return level, level.UnmarshalText([]byte(s))
	}
	text := func(l slog.Level) string { return strings.ToLower(l.String()) }
	return &value[slog.Level]{field, strings.Join(logLevels, "|"), parse, text}
}
