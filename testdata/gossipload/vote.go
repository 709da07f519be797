//go:build linux

package main

import (
	"encoding/binary"

	"solsnap/gossip/wire"
)

// voteProgram is the program whose instructions vote.
var voteProgram = func() wire.Pubkey {
	k, err := wire.ParsePubkey("Vote111111111111111111111111111111111111111")
	if err != nil {
		panic(err)
	}
	return k
}()

// voteTransaction is a TowerSync of 31 lockouts, signed by nobody: no node looks
// at the signature inside.
func (a *author) voteTransaction(n *node, when uint64) []byte {
	var noise [64]byte
	_, _ = a.random.Read(noise[:])
	b := make([]byte, 0, 384)
	b = append(b, 1)
	b = append(b, noise[:]...)
	b = append(b, 1, 0, 1, 3) // who signs, and how many keys
	b = append(b, n.pubkey[:]...)
	b = append(b, n.vote[:]...)
	b = append(b, voteProgram[:]...)
	b = append(b, noise[:32]...) // the recent blockhash
	b = append(b, 1, 2, 2, 1, 0) // one instruction, of the third key, for the second and the first
	data := towerSync(when, noise[32:])
	b = binary.AppendUvarint(b, uint64(len(data)))
	return append(b, data...)
}

// towerSync is the data of an instruction (crate solana-vote-interface,
// VoteInstruction::TowerSync).
func towerSync(when uint64, hash []byte) []byte {
	const lockouts = 31
	b := make([]byte, 0, 160)
	b = binary.LittleEndian.AppendUint32(b, 14)
	b = binary.LittleEndian.AppendUint64(b, slotAt(when)-lockouts)
	b = append(b, lockouts)
	for confirmations := byte(lockouts); confirmations > 0; confirmations-- {
		b = append(b, 1, confirmations)
	}
	b = append(b, hash...)
	b = append(b, 1)
	b = binary.LittleEndian.AppendUint64(b, when/1000)
	return append(b, hash...)
}
