package archive

import (
	"fmt"
	"strings"
)

// Tier is how much of an archive has been proven. Each includes those below it.
type Tier uint8

// The tiers. The zero value is that nothing has been proven.
const (
	TierNone Tier = iota
	// TierName: the name is canonical and the file begins with a frame.
	TierName
	// TierStructure: the frames and the tar stream are intact to their end, every
	// member is one that Agave unpacks, and every account record is whole.
	TierStructure
	// TierManifest: the manifest decodes, its lattice hash is the one in the name,
	// its bank hash is what its fields hash to, and its slot is the name's.
	TierManifest
	// TierAccounts: the live accounts have the lattice hash and the capitalization
	// of the manifest; those of an incremental archive together with its full one's.
	TierAccounts
)

var tierNames = []string{"none", "name", "structure", "manifest", "accounts"}

// TierNames are the tiers that can be asked for, lowest first.
func TierNames() []string { return tierNames[TierName:] }

// String prints the tier's word.
func (t Tier) String() string { return tierNames[t] }

// MarshalText prints what String does.
func (t Tier) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText prints.
func (t *Tier) UnmarshalText(text []byte) error {
	if string(text) == TierNone.String() {
		*t = TierNone
		return nil
	}
	parsed, err := ParseTier(string(text))
	if err == nil {
		*t = parsed
	}
	return err
}

// ParseTier reads one of TierNames.
func ParseTier(s string) (Tier, error) {
	for i, name := range TierNames() {
		if s == name {
			return TierName + Tier(i), nil
		}
	}
	return TierNone, fmt.Errorf("tier %q is not one of %s", s, strings.Join(TierNames(), ", "))
}
