package fetch

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// A journal is lines of text, each with a CRC-32 of what stands before it:
//
//	solsnap-fetch 1 SIZE "URL" "ETAG" CRC
//	piece INDEX SHA256 CRC
//	synced COUNT CRC
//
// A piece's line is written when it is good, and is believed after the program has
// been killed only if the bytes have that digest. The first COUNT of them were on
// the disk when "synced" was written, and are believed as they are. What follows a
// line that is torn or damaged is not read.
//
// The first words must not change unless the rest does: downloads under way would
// begin anew.
const journalMagic = "solsnap-fetch 1"

// basis is by what bytes that were fetched earlier are told to be the same as
// those that are fetched now, where there is no manifest.
type basis struct {
	size int64
	url  string // of the one source; "" if a manifest was there
	tag  string // its ETag
}

// record is what a journal says of a piece.
type record struct {
	sum    sum
	synced bool
}

func line(text string) []byte {
	return fmt.Appendf(nil, "%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

func encodeBasis(b basis) []byte {
	return line(fmt.Sprintf("%s %d %q %q", journalMagic, b.size, b.url, b.tag))
}

func encodePiece(i int, s sum) []byte { return line(fmt.Sprintf("piece %d %x", i, s)) }

func encodeSynced(count int) []byte { return line(fmt.Sprintf("synced %d", count)) }

// encodeJournal prints pieces that are on the disk.
func encodeJournal(b basis, pieces map[int]record) []byte {
	text := encodeBasis(b)
	for i := range pieceCount(b.size) {
		if r, ok := pieces[i]; ok {
			text = append(text, encodePiece(i, r.sum)...)
		}
	}
	return append(text, encodeSynced(len(pieces))...)
}

// decodeJournal reads as much of a journal as is undamaged.
func decodeJournal(text []byte) (basis, map[int]record, error) {
	first, rest, ok := cutLine(text)
	if !ok {
		return basis{}, nil, errors.New("journal has no first line")
	}
	b, err := decodeBasis(first)
	if err != nil {
		return basis{}, nil, err
	}
	entries := journalReader{count: pieceCount(b.size), pieces: make(map[int]record)}
	for first, rest, ok = cutLine(rest); ok && entries.add(first); {
		first, rest, ok = cutLine(rest)
	}
	return b, entries.pieces, nil
}

// journalReader takes in the lines after the first.
type journalReader struct {
	count  int   // of pieces that there can be
	order  []int // of the pieces' lines
	pieces map[int]record
}

// add reports whether the line is one of a journal.
func (r *journalReader) add(text string) bool {
	if count, ok := strings.CutPrefix(text, "synced "); ok {
		n, err := parseCount(count)
		for _, i := range r.order[:min(n, int64(len(r.order)))] {
			r.pieces[i] = record{r.pieces[i].sum, true}
		}
		return err == nil && n <= int64(len(r.order))
	}
	i, s, err := decodePiece(text)
	if _, again := r.pieces[i]; err != nil || i >= r.count || again {
		return false
	}
	r.order = append(r.order, i)
	r.pieces[i] = record{sum: s}
	return true
}

// cutLine takes the next line off, if that is whole.
func cutLine(text []byte) (content string, rest []byte, ok bool) {
	whole, rest, ok := bytes.Cut(text, []byte{'\n'})
	at := bytes.LastIndexByte(whole, ' ')
	if !ok || at < 0 {
		return "", nil, false
	}
	content = string(whole[:at])
	return content, rest, bytes.Equal(line(content), append(whole, '\n'))
}

func decodeBasis(text string) (basis, error) {
	rest, ok := strings.CutPrefix(text, journalMagic+" ")
	size, rest, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 {
		return basis{}, errors.New("journal does not begin as it must")
	}
	b := basis{}
	var err error
	if b.size, err = parseCount(size); err != nil || b.size == 0 || b.size > maxSize {
		return basis{}, fmt.Errorf("journal has a bad size %q", size)
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return basis{}, fmt.Errorf("journal has a bad URL: %w", err)
	}
	if b.url, err = strconv.Unquote(quoted); err != nil {
		return basis{}, fmt.Errorf("journal has a bad URL: %w", err)
	}
	if b.tag, err = strconv.Unquote(strings.TrimPrefix(rest[len(quoted):], " ")); err != nil {
		return basis{}, fmt.Errorf("journal has a bad tag: %w", err)
	}
	return b, nil
}

func decodePiece(text string) (i int, s sum, err error) {
	fields := strings.Split(text, " ")
	if len(fields) != 3 || fields[0] != "piece" || len(fields[2]) != 2*len(s) {
		return 0, sum{}, errors.New("journal has a bad line")
	}
	n, err := strconv.ParseUint(fields[1], 10, 31)
	if err == nil {
		_, err = hex.Decode(s[:], []byte(fields[2]))
	}
	return int(n), s, err
}
