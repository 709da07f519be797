package snapshot

import (
	"maps"
	"os"
	"strings"
	"testing"
)

// As printed by Linux 6.18 while two processes, the second in another PID
// namespace, waited for an OFD lock; the last three lines are of others.
const procLocks = `1: OFDLCK ADVISORY  READ -1 fe:00:9978051 0 EOF
1: -> POSIX  ADVISORY  WRITE 28686 fe:00:9978051 0 EOF
1:  -> POSIX  ADVISORY  WRITE 0 fe:00:9978052 0 EOF
2: FLOCK  ADVISORY  WRITE 712 00:1b:1234 0 EOF
3: POSIX  ADVISORY  WRITE 713 103:02:55 128 128
3: -> POSIX  ADVISORY  READ 714 103:02:55 0 EOF
`

func TestWaitingWriters(t *testing.T) {
	want := map[waitingInode]bool{
		{major: 0xfe, number: 9978051, forReader: true}: true,
		{major: 0xfe, number: 9978052, forReader: true}: true,
	}
	if got := waitingWriters([]byte(procLocks)); !maps.Equal(got, want) {
		t.Errorf("waiting are %v, want %v", got, want)
	}
	for name, text := range map[string]string{
		"empty":               "",
		"wait for a writer's": "1: POSIX  ADVISORY  WRITE 1 fe:00:42 0 EOF\n1: -> POSIX  ADVISORY  READ 2 fe:00:42 0 EOF\n",
		"cut off":             "1: -> POSIX  ADVISORY  WRITE 1 fe:00:42 0 EOF",
		"reader":              "1: -> POSIX  ADVISORY  READ 1 fe:00:42 0 EOF\n",
		"holder":              "1: POSIX  ADVISORY  WRITE 1 fe:00:42 0 EOF\n",
		"no inode":            "1: -> POSIX  ADVISORY  WRITE 1 <none>:0 0 EOF\n",
		"decimal that is not": "1: -> POSIX  ADVISORY  WRITE 1 fe:00:4x 0 EOF\n",
		"huge":                "1: -> POSIX  ADVISORY  WRITE 1 fe:00:99999999999999999999 0 EOF\n",
		"lease":               "1: -> LEASE  ACTIVE    WRITE fe:00:42 0 EOF\n",
	} {
		if got := waitingWriters([]byte(text)); len(got) != 0 {
			t.Errorf("%s: waiting are %v", name, got)
		}
	}
}

func TestProcLocksCanBeRead(t *testing.T) {
	if _, err := os.Stat("/proc/locks"); err != nil {
		t.Skipf("this system has no list of locks: %v", err)
	}
	if _, err := readProcLocks(); err != nil {
		t.Error(err)
	}
}

func FuzzWaitingWriters(f *testing.F) {
	f.Add([]byte(procLocks))
	f.Add([]byte("1: -> POSIX  ADVISORY  WRITE 1 fe:00:42 0 EOF\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got := waitingWriters(text)
		if arrows := strings.Count(string(text), "->"); len(got) > arrows {
			t.Errorf("%d wait in a text with %d arrows", len(got), arrows)
		}
	})
}
