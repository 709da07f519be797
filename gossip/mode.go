package gossip

import "fmt"

// Mode says how much of the cluster's table a Node keeps.
type Mode uint8

const (
	// Light keeps contact infos and snapshot hashes. Votes, epoch slots and the
	// like are neither verified nor relayed; their hashes are remembered so that
	// nobody sends them twice.
	Light Mode = iota
	// Full keeps, verifies and relays everything.
	Full
)

var modeNames = [...]string{Light: "light", Full: "full"}

// String is the name by which MarshalText and UnmarshalText know the mode.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// MarshalText prints the mode.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads "light" or "full", and changes nothing if it cannot.
func (m *Mode) UnmarshalText(text []byte) error {
	for mode, name := range modeNames {
		if string(text) == name {
			*m = Mode(mode)
			return nil
		}
	}
	return fmt.Errorf("gossip mode %q, want light or full", text)
}
