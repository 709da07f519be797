package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
	"solsnap/snapshot/archive/manifest"
)

// foundAccount is the newest record of an account in an archive. An incremental
// archive has only what changed since its base.
type foundAccount struct {
	Pubkey     manifest.Pubkey  `json:"pubkey"`
	Lamports   archive.Lamports `json:"lamports"` // 0: deleted
	Owner      manifest.Pubkey  `json:"owner"`
	Executable bool             `json:"executable"`
	RentEpoch  uint64           `json:"rentEpoch"`
	Space      int              `json:"space"`
	Slot       snapshot.Slot    `json:"slot"` // of the storage
	Member     string           `json:"member"`
	Data       string           `json:"data"` // in base64

	data         []byte
	writeVersion uint64
}

// findAccounts walks every record of an archive and fills in the newest of each
// wanted account.
func findAccounts(ctx context.Context, path string, wanted map[manifest.Pubkey]*foundAccount) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	reader, err := archive.NewReader(ctx, file)
	var accounts archive.Accounts
	for err == nil {
		var m archive.Member
		if m, err = reader.Next(); err == nil && m.Kind == archive.StorageMember {
			accounts.Reset(reader, m)
			err = findInStorage(&accounts, m, wanted)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("%s: %w", path, err)
}

func findInStorage(accounts *archive.Accounts, m archive.Member, wanted map[manifest.Pubkey]*foundAccount) error {
	for accounts.Next() {
		a := accounts.Account()
		if best, ok := wanted[*a.Pubkey]; ok && newer(m, a, best) {
			wanted[*a.Pubkey] = newFoundAccount(m, a)
		}
	}
	return accounts.Err()
}

// newer decides between versions as a validator does: by slot, then by write
// version, then the later.
func newer(m archive.Member, a *archive.StoredAccount, than *foundAccount) bool {
	switch {
	case than == nil || m.Slot > than.Slot:
		return true
	case m.Slot < than.Slot:
		return false
	}
	return a.WriteVersion >= than.writeVersion
}

func newFoundAccount(m archive.Member, a *archive.StoredAccount) *foundAccount {
	data := append([]byte{}, a.Data...)
	return &foundAccount{
		Pubkey: *a.Pubkey, Lamports: archive.Lamports(a.Lamports), Owner: *a.Owner, Executable: a.Executable,
		RentEpoch: a.RentEpoch, Space: len(data), Slot: m.Slot, Member: m.Name,
		Data: base64.StdEncoding.EncodeToString(data), data: data, writeVersion: a.WriteVersion,
	}
}

func (i *inspector) printAccount(a *foundAccount) error {
	if i.asJSON {
		return json.NewEncoder(i.stdout).Encode(a) // a line each
	}
	state := fmt.Sprintf("%s SOL", sol(uint64(a.Lamports)))
	if a.Lamports == 0 {
		state = "deleted"
	}
	_, err := fmt.Fprintf(i.stdout, "%s\n  %s\n  owner       %s\n  executable  %t\n  rent epoch  %d\n  slot        %d, in %s\n  data        %d bytes\n%s",
		a.Pubkey, state, a.Owner, a.Executable, a.RentEpoch, a.Slot, a.Member, a.Space, hex.Dump(a.data))
	return err
}
