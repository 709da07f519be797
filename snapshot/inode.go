package snapshot

import (
	"io/fs"
	"syscall"
)

// inode is a file's identity on its host. The zero value is unknown.
type inode struct {
	device, number uint64
}

// inodeOf needs a FileInfo that the operating system filled in.
func inodeOf(info fs.FileInfo) inode {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return inode{}
	}
	return inode{device: uint64(stat.Dev), number: stat.Ino} //nolint:unconvert // Dev is an int32 on macOS
}
