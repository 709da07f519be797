package fetch

import (
	"os"
	"strings"

	"solsnap/snapshot"
)

// Leftover is what an earlier Run has left of an archive.
type Leftover struct {
	Name snapshot.Name
	// Kept is how many bytes another Run could go on with.
	Kept int64
}

// Leftovers are those in a directory, and downloads that are under way. Files that
// are no such things are passed over.
func Leftovers(dir string) ([]Leftover, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []Leftover
	for _, entry := range entries {
		file, hidden := strings.CutPrefix(entry.Name(), ".")
		file, partial := strings.CutSuffix(file, ".partial")
		name, err := snapshot.ParseName(file)
		if hidden && partial && err == nil {
			all = append(all, Leftover{Name: name, Kept: kept(dir, name)})
		}
	}
	return all, nil
}

// kept believes the journal: it is checked when a Run goes on with it.
func kept(dir string, name snapshot.Name) (n int64) {
	p := partial{dir: dir, name: name}
	text, err := os.ReadFile(p.path(".journal"))
	if err != nil {
		return 0
	}
	b, pieces, err := decodeJournal(text)
	if err != nil {
		return 0
	}
	p.basis = b
	for i := range pieces {
		s := p.extent(i)
		n += s.hi - s.lo
	}
	return n
}

// PartialPath is where the bytes of an archive are in a directory until it is
// committed: all of them once a Follower is told of the end.
func PartialPath(dir string, name snapshot.Name) string {
	p := partial{dir: dir, name: name}
	return p.path(".partial")
}
