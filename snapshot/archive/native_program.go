package archive

import (
	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// The addresses that every cluster has (Agave, crate solana-sdk-ids).
var (
	nativeLoader  = wellKnown("NativeLoader1111111111111111111111111111111")
	systemProgram = manifest.Pubkey{}
	voteProgram   = wellKnown("Vote111111111111111111111111111111111111111")
	stakeProgram  = wellKnown("Stake11111111111111111111111111111111111111")
)

// wellKnown parses an address of this program's own text.
func wellKnown(text string) manifest.Pubkey {
	hash, err := snapshot.ParseHash(text)
	if err != nil {
		panic(err)
	}
	return manifest.Pubkey(hash)
}

// nativePrograms are the accounts that stand for what is built into a validator:
// those that a cluster has which Agave began in October 2025. A precompile has no
// name.
func nativePrograms() []Account {
	var accounts []Account
	for _, program := range []struct {
		address manifest.Pubkey
		name    string
	}{
		{systemProgram, "system_program"},
		{voteProgram, "vote_program"},
		{wellKnown("ComputeBudget111111111111111111111111111111"), "compute_budget_program"},
		{wellKnown("BPFLoader1111111111111111111111111111111111"), "solana_bpf_loader_deprecated_program"},
		{wellKnown("BPFLoader2111111111111111111111111111111111"), "solana_bpf_loader_program"},
		{wellKnown("BPFLoaderUpgradeab1e11111111111111111111111"), "solana_bpf_loader_upgradeable_program"},
		{wellKnown("Ed25519SigVerify111111111111111111111111111"), ""},
		{wellKnown("KeccakSecp256k11111111111111111111111111111"), ""},
	} {
		accounts = append(accounts, Account{program.address, manifest.Account{
			Lamports: 1, Data: []byte(program.name), Owner: nativeLoader, Executable: true,
		}})
	}
	return accounts
}
