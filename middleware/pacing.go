package middleware

import "slices"

// divide shares total among downloads and the pieces of each client, who all
// count alike, except that the pieces together get no more than most. Units are
// bytes per second; the results are in the order of the demands.
func divide(total, most float64, downloads, pieces []float64) (shares, pieceShares []float64) {
	all := fairShares(total, slices.Concat(downloads, pieces))
	shares, pieceShares = all[:len(downloads)], all[len(downloads):]
	wanted := 0.0
	for _, share := range pieceShares {
		wanted += share
	}
	if wanted <= most || len(downloads) == 0 {
		return shares, pieceShares
	}
	return fairShares(total-most, downloads), fairShares(most, pieces)
}

// fairShares divides total among demands so that nobody gets more than it
// demands and nobody who wants more gets less than another (max-min fairness).
// What is left when every demand is met is handed to all alike, so that a
// client can grow before its demand is measured again. Units are bytes per
// second; the result is in the order of demands.
func fairShares(total float64, demands []float64) []float64 {
	order := make([]int, len(demands))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case demands[a] < demands[b]:
			return -1
		case demands[a] > demands[b]:
			return 1
		}
		return 0
	})
	shares := make([]float64, len(demands))
	left := total
	for i, at := range order {
		shares[at] = min(demands[at], left/float64(len(order)-i))
		left -= shares[at]
	}
	for i := range shares {
		shares[i] += left / float64(len(shares))
	}
	return shares
}
