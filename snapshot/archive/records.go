package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// maxAccountData is the most data that an account can have, Solana's
// MAX_PERMITTED_DATA_LENGTH.
const maxAccountData = 10 << 20

// StoredAccount is an account record of a storage. What it points to is in the
// storage's own bytes: whoever keeps it longer copies it.
type StoredAccount struct {
	Pubkey, Owner *[32]byte
	// Lamports of 0 mean that the account is deleted: the record is there to
	// hide older ones.
	Lamports uint64
	// RentEpoch is 2^64-1 for an account that is exempt from rent.
	RentEpoch uint64
	// WriteVersion is 0 in archives since the end of 2025. Before, the highest
	// won where a storage held an account twice.
	WriteVersion uint64
	Executable   bool
	Data         []byte
	// Offset is where the record is in its storage.
	Offset int64
}

// RecordError says which record of a storage is broken, and how.
type RecordError struct {
	// Offset is where the record is in its storage.
	Offset int64
	Err    error
}

// Error names the offset.
func (e *RecordError) Error() string { return fmt.Sprintf("record at %d: %v", e.Offset, e.Err) }

// Unwrap gives Err.
func (e *RecordError) Unwrap() error { return e.Err }

// errRecordPastEnd means that a storage ends inside a record.
var errRecordPastEnd = errors.New("runs past the end of the storage")

// Records walks the account records in bytes that begin with one, by the rules
// of Agave's reader (accounts-db/src/append_vec.rs). It copies and allocates
// nothing.
//
//	for records.Next() {
//		account := records.Account()
//	}
//	err := records.Err()
type Records struct {
	data    []byte
	base    int64 // offset of data in the storage
	member  *Member
	next    int // offset in data of the record after the current one
	account StoredAccount
	err     error
}

// NewRecords walks data, which is a whole storage if offset is 0, and else what
// comes at that offset in one, where a record begins.
func NewRecords(data []byte, offset int64) Records { return Records{data: data, base: offset} }

// Next goes on to the next record. It reports false at the end, of which Err
// says whether it was a good one: fewer bytes are left than a record's header
// takes, or zeros begin, with which old storages were filled up.
func (r *Records) Next() bool {
	rest := r.data[r.next:]
	dataLen, ok, err := parseRecordHeader(rest)
	if err == nil && ok {
		err = checkRecordBody(rest, dataLen)
	}
	if err != nil {
		r.fail(err)
	}
	if err != nil || !ok {
		r.data = r.data[:r.next] // there is no more, ever
		return false
	}
	header := (*[recordHeaderSize]byte)(rest)
	r.account = StoredAccount{
		Pubkey:       (*[32]byte)(header[16:]),
		Owner:        (*[32]byte)(header[64:]),
		Lamports:     binary.LittleEndian.Uint64(header[48:]),
		RentEpoch:    binary.LittleEndian.Uint64(header[56:]),
		WriteVersion: binary.LittleEndian.Uint64(header[0:]),
		Executable:   header[96] == 1,
		Data:         rest[recordHeaderSize:][:dataLen:dataLen],
		Offset:       r.base + int64(r.next),
	}
	r.next += min(recordSpan(dataLen), len(rest))
	return true
}

// parseRecordHeader gives the length of the data of the record that b begins
// with, or false if b begins with none: then the storage ends here.
func parseRecordHeader(b []byte) (dataLen int, ok bool, _ error) {
	if len(b) < recordHeaderSize {
		return 0, false, nil
	}
	header := (*[recordHeaderSize]byte)(b)
	// The system program's key is zero, too, but it always has a lamport.
	if binary.LittleEndian.Uint64(header[48:]) == 0 && [32]byte(header[16:48]) == [32]byte{} {
		return 0, false, nil
	}
	n := binary.LittleEndian.Uint64(header[8:])
	if n > maxAccountData {
		return 0, false, fmt.Errorf("data length is %d, want at most %d", n, maxAccountData)
	}
	return int(n), true, nil
}

func checkRecordBody(b []byte, dataLen int) error {
	if dataLen > len(b)-recordHeaderSize {
		return fmt.Errorf("data of %d bytes %w, which has %d", dataLen, errRecordPastEnd, len(b)-recordHeaderSize)
	}
	if b[96] > 1 {
		return fmt.Errorf("executable is %d, want 0 or 1", b[96])
	}
	return nil
}

// recordSpan is how far it is from a record to the next. The padding may be
// missing after the last one.
func recordSpan(dataLen int) int {
	return (recordHeaderSize + dataLen + recordAlign - 1) &^ (recordAlign - 1)
}

// Account is the current record. It is overwritten by Next.
func (r *Records) Account() *StoredAccount { return &r.account }

// Err is what ended the walk, if it was not a good end: a *RecordError, inside a
// *MemberError if the records are those of a Block.
func (r *Records) Err() error { return r.err }

func (r *Records) fail(err error) {
	offset := r.base + int64(r.next)
	r.err = &RecordError{Offset: offset, Err: err}
	if r.member != nil {
		r.err = r.member.fail(offset, r.err)
	}
}
