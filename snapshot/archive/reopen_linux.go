package archive

import (
	"fmt"
	"os"
)

// reopen opens what f has open, with an offset of its own, even when its name
// is gone: /proc/self/fd leads to the inode, see proc(5).
func reopen(f *os.File) (*os.File, error) {
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
}
