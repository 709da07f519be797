//go:build linux

package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// median of at least one value.
func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile q of at least one value, between neighbours in proportion.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low, high := sorted[int(math.Floor(at))], sorted[int(math.Ceil(at))]
	return low + (high-low)*(at-math.Floor(at))
}

// p99 in milliseconds.
func p99(took []time.Duration) float64 {
	ms := make([]float64, len(took))
	for i, d := range took {
		ms[i] = float64(d) / float64(time.Millisecond)
	}
	return quantile(ms, 0.99)
}

// ratios of ours to the anchor's, round by round.
func ratios(ours, anchor []float64) []float64 {
	r := make([]float64, len(ours))
	for i := range ours {
		r[i] = ours[i] / anchor[i]
	}
	return r
}

// spread prints a median with its range.
func spread(values []float64) string {
	return fmt.Sprintf("%s [%s–%s]", short(median(values)), short(slices.Min(values)), short(slices.Max(values)))
}

// short prints three significant digits.
func short(v float64) string {
	switch size := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case size >= 100:
		return fmt.Sprintf("%.0f", v)
	case size >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}
