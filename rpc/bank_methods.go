package rpc

import (
	"encoding/json"
	"net/http"

	"solsnap/snapshot"
)

// BankMethods are the methods that follow from a bank's manifest, in Agave's
// shapes. All of them tell of the slot of an archive, some minutes ago; there is
// one bank, so every commitment means it. While there is none they answer
// CodeNodeUnhealthy, so that clients go elsewhere and come back.
//
// What would need accounts is not here, and so is not guessed: getSupply, whose
// circulating part is a sum over stake accounts, getStakeMinimumDelegation and
// getMinimumBalanceForRentExemption, which are features and sysvars.
//
// Register it; every field is required.
type BankMethods struct {
	// Version is a semantic version: the apiVersion of answers with a context.
	Version string
	// Bank returns the bank to answer from; nil while there is none. It must not
	// block.
	Bank func() *Bank
}

func (b BankMethods) current() (*Bank, error) {
	if bank := b.Bank(); bank != nil {
		return bank, nil
	}
	return nil, errUnhealthy
}

// reached is the bank, unless it is older than the client will accept.
func (b BankMethods) reached(config ContextConfig) (*Bank, error) {
	bank, err := b.current()
	if err != nil {
		return nil, err
	}
	return bank, config.Check(bank.slot)
}

// withContext is the bank for a method whose only parameter is a ContextConfig.
func (b BankMethods) withContext(params *Params) (*Bank, error) {
	var config ContextConfig
	if err := params.Decode(0, &config); err != nil {
		return nil, err
	}
	return b.reached(config)
}

// inContext is an answer that says which slot it is of.
type inContext struct {
	Context answerContext `json:"context"`
	Value   any           `json:"value"`
}

type answerContext struct {
	APIVersion string        `json:"apiVersion"`
	Slot       snapshot.Slot `json:"slot"`
}

func (b BankMethods) inContext(bank *Bank, value any) inContext {
	return inContext{answerContext{b.Version, bank.slot}, value}
}

// GetBlockHeight counts the blocks below the bank's.
func (b BankMethods) GetBlockHeight(_ *http.Request, params *Params, result *any) error {
	bank, err := b.withContext(params)
	if err != nil {
		return err
	}
	*result = bank.blockHeight
	return nil
}

// GetTransactionCount counts the transactions since genesis.
func (b BankMethods) GetTransactionCount(_ *http.Request, params *Params, result *any) error {
	bank, err := b.withContext(params)
	if err != nil {
		return err
	}
	*result = bank.transactionCount
	return nil
}

// GetEpochInfo tells where in which epoch the bank is.
func (b BankMethods) GetEpochInfo(_ *http.Request, params *Params, result *any) error {
	bank, err := b.withContext(params)
	if err != nil {
		return err
	}
	*result = bank.epochInfo
	return nil
}

// GetEpochSchedule tells how slots are divided into epochs.
func (b BankMethods) GetEpochSchedule(_ *http.Request, params *Params, result *any) error {
	if err := params.None(); err != nil {
		return err
	}
	bank, err := b.current()
	if err != nil {
		return err
	}
	*result = bank.epochSchedule
	return nil
}

// GetBlockCommitment tells the stake of the epoch. Who has voted on a block is
// not known: commitment is null, as Agave has it for blocks that it does not
// follow.
func (b BankMethods) GetBlockCommitment(_ *http.Request, params *Params, result *any) error {
	var block snapshot.Slot
	if err := params.Decode(1, &block); err != nil {
		return err
	}
	bank, err := b.current()
	if err != nil {
		return err
	}
	if bank.totalStake == nil {
		return errUnhealthy
	}
	type blockCommitment struct {
		Commitment json.RawMessage `json:"commitment"`
		TotalStake uint64          `json:"totalStake"`
	}
	*result = blockCommitment{null, *bank.totalStake}
	return nil
}
