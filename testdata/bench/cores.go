//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// cores say what runs where.
type cores struct{ server, client int }

// pinClient chooses the two cores, moves this process to the client's, every
// thread of it, and sets their priority; threads and processes to come inherit
// both.
func pinClient(nice int) (cores, error) {
	var allowed, only unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return cores{}, fmt.Errorf("read allowed cores: %w", err)
	}
	all := coresOf(&allowed)
	chosen := cores{server: all[0], client: all[len(all)-1]}
	if len(all) == 1 {
		fmt.Fprintln(os.Stderr, "bench: one core only: server and client share it, throughput means little")
	}
	only.Set(chosen.client)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return cores{}, err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return cores{}, err
		}
		if err := unix.SchedSetaffinity(id, &only); err != nil && err != unix.ESRCH {
			return cores{}, fmt.Errorf("pin to core %d: %w", chosen.client, err)
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, id, nice); nice != 0 && err != nil && err != unix.ESRCH {
			return cores{}, fmt.Errorf("set priority %d: %w; leave out -nice unless root", nice, err)
		}
	}
	return chosen, nil
}

func coresOf(set *unix.CPUSet) []int {
	var cores []int
	for core := range len(set) * 64 {
		if set.IsSet(core) {
			cores = append(cores, core)
		}
	}
	return cores
}
