package archive

import (
	"errors"
	"io"
)

// Accounts walks the account records of one storage after another, in one
// goroutine and memory of its own: BlockSize, or the size of the largest record,
// up to 10 MiB. The zero value is ready for Reset.
type Accounts struct {
	blocks  Blocks
	buf     []byte
	block   Block
	records Records
	err     error
}

// Reset begins with the storage m, whose content is what r reads next.
func (a *Accounts) Reset(r io.Reader, m Member) {
	if a.buf == nil {
		a.buf = make([]byte, BlockSize)
	}
	a.blocks.Reset(r, m)
	a.records, a.err = Records{}, nil
}

// Next goes on to the next record. It reports false at the end of the storage,
// of which Err says whether it was a good one.
func (a *Accounts) Next() bool {
	for !a.records.Next() {
		if a.err == nil {
			a.err = a.records.Err()
		}
		if a.err == nil {
			a.err = a.read()
		}
		if a.err != nil {
			return false
		}
	}
	return true
}

func (a *Accounts) read() error {
	var err error
	if a.block, err = a.blocks.Next(a.buf); err != nil {
		return err
	}
	if room := cap(a.block.Data); room > len(a.buf) {
		a.buf = a.block.Data[:room] // it will not have to grow again
	}
	a.records = a.block.Records()
	return nil
}

// Account is the current record. What it points to is overwritten by Next.
func (a *Accounts) Account() *StoredAccount { return a.records.Account() }

// Tail is how the storage ended, once Next has reported false and Err is nil.
func (a *Accounts) Tail() Tail { return a.blocks.Tail() }

// Err is what ended the walk, if it was not the end of the storage. It is a
// *MemberError.
func (a *Accounts) Err() error {
	if errors.Is(a.err, io.EOF) {
		return nil
	}
	return a.err
}
