package main

import (
	"fmt"
	"strings"
)

// suggest ends an error about an unknown word: with the known word that was
// probably meant, printed in format, else with otherwise.
func suggest(word string, known []string, format, otherwise string) string {
	if near := nearest(word, known); near != "" {
		return "; did you mean " + fmt.Sprintf(format, near) + "?"
	}
	return otherwise
}

// nearest is the known word with the fewest edits from word, or "" if even that
// one takes more than a third of the letters.
func nearest(word string, known []string) string {
	best, fewest := "", len(word)/3+2
	for _, k := range known {
		if n := edits(strings.ToLower(word), strings.ToLower(k)); n < fewest {
			best, fewest = k, n
		}
	}
	return best
}

// edits is the Levenshtein distance: letters to insert, delete or replace.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
