package rpc

import (
	"math"
	"net/http"

	"solsnap/snapshot/archive/manifest"
)

// float is a number that prints as Rust's f64 does; what is no number is null.
type float float64

// MarshalJSON prints 1.0 where Go would print 1.
func (f float) MarshalJSON() ([]byte, error) {
	if v := float64(f); !math.IsNaN(v) && !math.IsInf(v, 0) {
		return []byte(rustFloat(v)), nil
	}
	return null, nil
}

// inflationGovernor is the answer of GetInflationGovernor.
type inflationGovernor struct {
	Foundation     float `json:"foundation"`
	FoundationTerm float `json:"foundationTerm"`
	Initial        float `json:"initial"`
	Taper          float `json:"taper"`
	Terminal       float `json:"terminal"`
}

func governorOf(i manifest.Inflation) inflationGovernor {
	return inflationGovernor{
		Foundation:     float(i.Foundation),
		FoundationTerm: float(i.FoundationTerm),
		Initial:        float(i.Initial),
		Taper:          float(i.Taper),
		Terminal:       float(i.Terminal),
	}
}

// inflationRate is the answer of GetInflationRate: shares of one, a year.
type inflationRate struct {
	Epoch      uint64 `json:"epoch"`
	Foundation float  `json:"foundation"`
	Total      float  `json:"total"`
	Validator  float  `json:"validator"`
}

// inflationRateOf is false where the rate depends on when inflation began. That
// is the slot at which a feature was activated, in an account, and a manifest has
// none. It began at the latest one epoch ago, and at the earliest with slot 0
// (Agave runtime/src/bank.rs, get_inflation_num_slots). As the rate only falls
// in between, the manifest is enough where it is the same at both ends: where
// there is no inflation, a fixed one, or one that has come down to its terminal
// rate.
func inflationRateOf(m *manifest.Manifest) (inflationRate, bool) {
	epoch := m.Epoch().Epoch
	now := m.Bank.EpochSchedule.FirstSlot(epoch)
	latest := m.Bank.EpochSchedule.FirstSlot(epoch - min(epoch, 1))
	low := rateAt(m.Bank.Inflation, float64(now-latest)/m.Bank.SlotsPerYear)
	high := rateAt(m.Bank.Inflation, float64(now)/m.Bank.SlotsPerYear)
	low.Epoch, high.Epoch = epoch, epoch
	return low, low == high
}

// rateAt is the rate so many years after inflation began (solana-inflation,
// Inflation::total and its likes).
func rateAt(i manifest.Inflation, years float64) inflationRate {
	total := max(i.Initial*math.Pow(1-i.Taper, years), i.Terminal)
	var foundation float64
	if years < i.FoundationTerm {
		foundation = total * i.Foundation
	}
	return inflationRate{Foundation: float(foundation), Total: float(total), Validator: float(total - foundation)}
}

// GetInflationGovernor tells the cluster's schedule of inflation.
func (b BankMethods) GetInflationGovernor(_ *http.Request, params *Params, result *any) error {
	var config commitmentConfig
	if err := params.Decode(0, &config); err != nil {
		return err
	}
	bank, err := b.current()
	if err != nil {
		return err
	}
	*result = bank.inflationGovernor
	return nil
}

// GetInflationRate tells the rates of the bank's epoch, or CodeMethodNotFound
// where they depend on accounts; see inflationRateOf.
func (b BankMethods) GetInflationRate(_ *http.Request, params *Params, result *any) error {
	if err := params.None(); err != nil {
		return err
	}
	bank, err := b.current()
	if err != nil {
		return err
	}
	if bank.inflationRate == nil {
		return errMethodNotFound
	}
	*result = bank.inflationRate
	return nil
}
