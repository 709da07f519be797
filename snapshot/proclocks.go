package snapshot

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// maxProcLocks bounds how much of /proc/locks is read. A line has about 60
// bytes; a host with more than 17,000 locks may hide a writer from us.
const maxProcLocks = 1 << 20

// readProcLocks returns the kernel's list of locks. Where there is no such
// list, nobody is seen to wait.
func readProcLocks() ([]byte, error) {
	f, err := os.Open("/proc/locks")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxProcLocks))
}

// waitingInode is an inode as /proc/locks names it, that somebody waits for.
type waitingInode struct {
	major, minor uint32
	number       uint64
	// forReader is whether the lock waited for is one such as File holds: an
	// open file description's, for reading.
	forReader bool
}

// waitingWriters returns the inodes for whose exclusive lock somebody waits, in
// the text of /proc/locks (proc_locks(5)). A waiter follows the lock that it
// waits for, marked by an arrow:
//
//	1: OFDLCK ADVISORY  READ -1 fe:00:9978051 0 EOF
//	1: -> POSIX  ADVISORY  WRITE 28686 fe:00:9978051 0 EOF
//
// The fifth word is a process, 0 if it is in another PID namespace. Lines that
// read otherwise, an incomplete last one among them, are skipped.
func waitingWriters(text []byte) map[waitingInode]bool {
	var waiting map[waitingInode]bool
	forReader := false
	for line := range bytes.Lines(text) {
		if line[len(line)-1] != '\n' {
			break
		}
		words := strings.Fields(string(line))
		if !slices.Contains(words, "->") {
			forReader = slices.Contains(words, "OFDLCK") && slices.Contains(words, "READ")
			continue
		}
		inode, ok := waitingWriter(words)
		if !ok {
			continue
		}
		inode.forReader = forReader
		if waiting == nil {
			waiting = make(map[waitingInode]bool)
		}
		waiting[inode] = true
	}
	return waiting
}

func waitingWriter(words []string) (waitingInode, bool) {
	const arrow, mode, where, length = 1, 4, 6, 9
	if len(words) != length || words[arrow] != "->" || words[mode] != "WRITE" {
		return waitingInode{}, false
	}
	parts := strings.Split(words[where], ":")
	if len(parts) != 3 {
		return waitingInode{}, false
	}
	major, err1 := strconv.ParseUint(parts[0], 16, 32)
	minor, err2 := strconv.ParseUint(parts[1], 16, 32)
	number, err3 := strconv.ParseUint(parts[2], 10, 64)
	return waitingInode{major: uint32(major), minor: uint32(minor), number: number}, err1 == nil && err2 == nil && err3 == nil
}
