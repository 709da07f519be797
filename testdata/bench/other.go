//go:build !linux

// Command bench measures `solsnap serve` against nginx. It counts CPU time and
// pins to cores in ways that only Linux offers.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: needs Linux: CPU time is read from /proc and processes are pinned to cores")
	os.Exit(2)
}
