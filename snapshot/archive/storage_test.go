package archive

import (
	"bytes"
	"encoding/binary"
	"testing"

	"solsnap/snapshot/archive/manifest"
)

// account is an account as tests make it up: not executable, exempt from rent.
type account struct {
	pubkey, owner [32]byte
	lamports      uint64
	data          []byte
}

func (a account) appendRecord(b []byte) []byte {
	whole := Account{a.pubkey, manifest.Account{Lamports: a.lamports, Data: a.data, Owner: a.owner, RentEpoch: exemptFromRent}}
	return whole.appendRecord(b)
}

// A storage of one account that another project wrote for Agave, made again.
func TestAppendRecordAsInARealArchive(t *testing.T) {
	want := fixture(t, "sig-v2/extracted/99.2")
	a := account{lamports: 500_000, data: []byte("another account")}
	copy(a.pubkey[:], bytes.Repeat([]byte{0x22}, 32))
	got := a.appendRecord(nil)
	binary.LittleEndian.PutUint64(got[56:], 200) // its rent epoch
	if !bytes.Equal(got, want) {
		t.Errorf("record is\n%x, want\n%x", got, want)
	}
}

// Whole records, read and made again; their size is known before.
func TestRecordSize(t *testing.T) {
	for dataLen := range 20 {
		before := Account{manifest.Pubkey{1}, manifest.Account{
			Lamports: 2, Data: make([]byte, dataLen), Owner: manifest.Pubkey{3}, Executable: dataLen%2 == 0, RentEpoch: 4,
		}}
		record := before.appendRecord(nil)
		if size := before.recordSize(); size != int64(len(record)) || size%8 != 0 {
			t.Errorf("%d bytes of data: size is %d, want that of the record, %d", dataLen, size, len(record))
		}
		again := plainRecords(t, record)[0]
		if !bytes.Equal(again.appendRecord(nil), record) {
			t.Errorf("%d bytes of data: record reads as %+v", dataLen, again)
		}
	}
}
