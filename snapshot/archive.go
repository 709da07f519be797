package snapshot

import "time"

// Archive is an archive file that the Store lists. It is a value: nothing in
// it changes while the file keeps its bytes.
type Archive struct {
	Name Name
	// Path is where the file is, for logs and operators; clients never see it.
	Path    string
	Size    int64
	ModTime time.Time

	// inode tells the file from another of the same name, size and time.
	inode inode
}

// state is the state in which the file was listed.
func (a Archive) state() fileState {
	return fileState{size: a.Size, modTime: a.ModTime.UnixNano(), inode: a.inode}
}

// same reports whether a and b are the same file with the same bytes.
func (a Archive) same(b Archive) bool {
	return a.Path == b.Path && a.Name == b.Name && a.state() == b.state()
}
