package wire

import "fmt"

// Version is the software of a node, by its own account (Agave
// version/src/v4.rs). Nothing in gossip depends on it.
type Version struct {
	Major uint16
	// Minor has the number in its low 14 bits, and above them the kind of
	// prerelease: 0 none, 1 rc, 2 beta, 3 alpha.
	Minor uint16
	// Patch is the number of the prerelease if there is a kind.
	Patch      uint16
	Commit     uint32 // first four bytes of the commit; random if unknown
	FeatureSet uint32 // first four bytes of the hash over all features
	Client     uint16 // 3 is Agave, 5 Firedancer; see ClientName
}

func (v *Version) walk(c *codec) {
	c.varint16("version.major", &v.Major)
	c.varint16("version.minor", &v.Minor)
	c.varint16("version.patch", &v.Patch)
	c.uint32("version.commit", &v.Commit)
	c.uint32("version.feature_set", &v.FeatureSet)
	c.varint16("version.client", &v.Client)
}

// minorBits is how many bits of Minor are the number.
const minorBits = 14

// String prints the version as getVersion does: 4.1.0, or 4.2.0-beta.1.
func (v Version) String() string {
	minor := v.Minor & (1<<minorBits - 1)
	kind := [...]string{"", "rc", "beta", "alpha"}[v.Minor>>minorBits]
	if kind == "" {
		return fmt.Sprintf("%d.%d.%d", v.Major, minor, v.Patch)
	}
	return fmt.Sprintf("%d.%d.0-%s.%d", v.Major, minor, kind, v.Patch)
}

// ClientName is Agave's name of the client, such as Agave or Unknown(100).
func (v Version) ClientName() string {
	switch v.Client {
	case 0:
		return "SolanaLabs"
	case 1:
		return "JitoLabs"
	case 2:
		return "Frankendancer"
	case 3:
		return "Agave"
	case 4:
		return "AgavePaladin"
	case 5:
		return "Firedancer"
	case 6:
		return "AgaveBam"
	case 7:
		return "Sig"
	case 10:
		return "AgaveHarmonic"
	}
	return fmt.Sprintf("Unknown(%d)", v.Client)
}
