package rpc

import "slices"

// KnownMethods are the 52 methods of Agave over HTTP (rpc/src/rpc.rs, the
// traits Minimal, BankData, AccountsData, AccountsScan and Full), sorted. Never
// modified.
var KnownMethods = []string{
	"getAccountInfo", "getBalance", "getBlock", "getBlockCommitment", "getBlockHeight", "getBlockProduction",
	"getBlockTime", "getBlocks", "getBlocksWithLimit", "getClusterNodes", "getEpochInfo", "getEpochSchedule",
	"getFeeForMessage", "getFirstAvailableBlock", "getGenesisHash", "getHealth", "getHighestSnapshotSlot",
	"getIdentity", "getInflationGovernor", "getInflationRate", "getInflationReward", "getLargestAccounts",
	"getLatestBlockhash", "getLeaderSchedule", "getMaxRetransmitSlot", "getMaxShredInsertSlot",
	"getMinimumBalanceForRentExemption", "getMultipleAccounts", "getProgramAccounts",
	"getRecentPerformanceSamples", "getRecentPrioritizationFees", "getSignatureStatuses",
	"getSignaturesForAddress", "getSlot", "getSlotLeader", "getSlotLeaders", "getStakeMinimumDelegation",
	"getSupply", "getTokenAccountBalance", "getTokenAccountsByDelegate", "getTokenAccountsByOwner",
	"getTokenLargestAccounts", "getTokenSupply", "getTransaction", "getTransactionCount", "getVersion",
	"getVoteAccounts", "isBlockhashValid", "minimumLedgerSlot", "requestAirdrop", "sendTransaction",
	"simulateTransaction",
}

// historyMethods ask for blocks and transactions of the past. A node that has
// only snapshots answers them as a validator without transaction history does,
// and every other method that it does not know as one without --full-rpc-api.
// minimumLedgerSlot is not among them: it asks about a ledger, and there is none.
var historyMethods = []string{
	"getBlock", "getBlockTime", "getBlocks", "getBlocksWithLimit", "getFirstAvailableBlock",
	"getSignaturesForAddress", "getTransaction",
}

// localMethods describe this node itself. Another node's answer would be wrong.
var localMethods = []string{"getGenesisHash", "getHealth", "getHighestSnapshotSlot", "getIdentity", "getVersion"}

// DefaultUpstreamMethods are the methods forwarded to an upstream unless told
// otherwise: reads whose cost to the validator is bounded by their parameters.
//
// Left out, to be allowed by name by who wants them:
//   - getProgramAccounts, getLargestAccounts, getSupply, getTokenLargestAccounts,
//     getTokenAccountsByOwner, getTokenAccountsByDelegate: they walk every
//     account where the validator has no secondary index, and a few clients of
//     them can stall it.
//   - sendTransaction: it makes the validator's own connections to leaders
//     carry what strangers write.
//   - simulateTransaction: it executes strangers' programs.
//   - requestAirdrop: it spends somebody's money.
var DefaultUpstreamMethods = []string{
	// The chain's position and schedule: small answers from memory.
	"getBlockCommitment", "getBlockHeight", "getBlockProduction", "getClusterNodes", "getEpochInfo",
	"getEpochSchedule", "getInflationGovernor", "getInflationRate", "getLeaderSchedule", "getMaxRetransmitSlot",
	"getMaxShredInsertSlot", "getRecentPerformanceSamples", "getSlot", "getSlotLeader", "getSlotLeaders",
	"getStakeMinimumDelegation", "getTransactionCount", "getVoteAccounts", "minimumLedgerSlot",
	// Accounts by key: at most 100 look-ups a call.
	"getAccountInfo", "getBalance", "getMinimumBalanceForRentExemption", "getMultipleAccounts",
	"getTokenAccountBalance", "getTokenSupply",
	// What a client needs to build a transaction and to see it land.
	"getFeeForMessage", "getLatestBlockhash", "getRecentPrioritizationFees", "getSignatureStatuses",
	"isBlockhashValid",
	// History by slot, signature or address: the validator caps each answer.
	"getBlock", "getBlockTime", "getBlocks", "getBlocksWithLimit", "getFirstAvailableBlock",
	"getInflationReward", "getSignaturesForAddress", "getTransaction",
}

// unanswered is the error of a method that the server has no answer for.
func unanswered(method string) *Error {
	if slices.Contains(historyMethods, method) {
		return errNoHistory
	}
	return errMethodNotFound
}
