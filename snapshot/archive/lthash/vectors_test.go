package lthash

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/mr-tron/base58"
)

// TestVectors holds single hashes, and sums of two, against published and
// independently computed ones.
func TestVectors(t *testing.T) {
	checked := 0
	var both Hash
	for _, v := range vectors(t) {
		switch a, ok := v.account(t); {
		case v.Name == "identity":
			v.check(t, Hash{})
		case strings.HasPrefix(v.Name, "raw:"):
			h := expand(chunkRoot(unhex(t, v.InputHex)))
			v.check(t, h)
			both.Add(&h)
		case v.Name == "sum: hello + world!":
			v.check(t, both)
		case ok:
			v.check(t, Of(&a))
		default:
			continue // an account whose data is in an archive only; see TestArchives
		}
		checked++
	}
	if checked < 20 {
		t.Errorf("checked only %d vectors", checked)
	}
}

// TestArchives computes what the name of a snapshot archive promises: the
// checksum of the hash of the accounts that are live in it, or in the full
// archive below it.
func TestArchives(t *testing.T) {
	for name, chain := range map[string][]string{
		"full":        {"sig-v1/snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar.zst"},
		"incremental": {"sig-v1/snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar.zst", "sig-v1/incremental-snapshot-1-4-43FT6mnmRW9XbxpCzqH3ogYexHXboG7d8vmf3gBLvLrR.tar.zst"},
		"v4.2":        {"sig-v2/snapshot-100-7G3gw9TmwzT24jhJQyrPnH2QaKUZ7MHWGG9KW8XaPbDb.tar.zst"},
	} {
		t.Run(name, func(t *testing.T) {
			var all []record
			for _, archive := range chain {
				all = append(all, records(t, archive)...)
			}
			eachKernel(t, func(t *testing.T, s *Sum) {
				got := overlay(s, all).Checksum()
				if want := nameHash(t, chain[len(chain)-1]); got != want {
					t.Errorf("checksum is %s, name says %s", base58.Encode(got[:]), base58.Encode(want[:]))
				}
			})
		})
	}
}

// overlay adds every account and takes it out again when a later slot has it.
func overlay(s *Sum, all []record) Hash {
	live := map[[32]byte]record{}
	for _, r := range all {
		old, replaced := live[r.Pubkey]
		if replaced && old.slot > r.slot {
			continue
		}
		if replaced {
			s.Sub(&old.Account)
		}
		s.Add(&r.Account)
		live[r.Pubkey] = r
	}
	return s.Total()
}

func nameHash(t *testing.T, archive string) [32]byte {
	t.Helper()
	name := strings.TrimSuffix(path.Base(archive), ".tar.zst")
	return key(t, name[strings.LastIndexByte(name, '-')+1:])
}

// TestArchiveAccounts holds accounts with data of every size against their
// vectors, by Of and by a Sum of one.
func TestArchiveAccounts(t *testing.T) {
	of := map[string]vector{}
	for _, v := range vectors(t) {
		if v.Name == "account" {
			of[fmt.Sprint(v.From, v.Pubkey, v.Lamports)] = v
		}
	}
	found := 0
	for _, archive := range []string{
		"sig-v1/snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar.zst",
		"sig-v2/snapshot-100-7G3gw9TmwzT24jhJQyrPnH2QaKUZ7MHWGG9KW8XaPbDb.tar.zst",
	} {
		for _, r := range records(t, archive) {
			v, ok := of[fmt.Sprint(path.Base(archive), base58.Encode(r.Pubkey[:]), r.Lamports)]
			if !ok {
				continue // replaced by a later slot
			}
			found++
			v.check(t, Of(&r.Account))
			for _, k := range kernels() {
				s := sumWith(k)
				s.Add(&r.Account)
				v.check(t, s.Total())
			}
		}
	}
	if found < len(of) {
		t.Errorf("found %d of %d accounts", found, len(of))
	}
}
