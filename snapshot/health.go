package snapshot

// HealthState is one of the three words of Agave's /health.
type HealthState uint8

// The states. Unknown is the zero value: nobody has said otherwise yet.
const (
	HealthUnknown HealthState = iota
	HealthOK
	HealthBehind
)

// String prints the word that GET /health answers (Agave rpc/src/rpc_health.rs).
func (s HealthState) String() string {
	switch s {
	case HealthOK:
		return "ok"
	case HealthBehind:
		return "behind"
	default:
		return "unknown"
	}
}

// Health compares what is served with what the cluster has.
type Health struct {
	State HealthState
	// SlotsBehind is Cluster less Mine when State is HealthBehind, else 0.
	SlotsBehind uint64
	// Mine is the slot of the served pair, and Cluster the highest slot known
	// of the cluster; nil while unknown.
	Mine, Cluster *Slot
}

// AssessHealth decides as Agave does, with the served pair in the place of the
// replayed bank: healthy when mine is at most distance slots behind cluster,
// unknown while either is nil.
func AssessHealth(mine, cluster *Slot, distance uint64) Health {
	h := Health{Mine: mine, Cluster: cluster}
	switch {
	case mine == nil || cluster == nil:
	case *cluster <= *mine || uint64(*cluster-*mine) <= distance:
		h.State = HealthOK
	default:
		h.State = HealthBehind
		h.SlotsBehind = uint64(*cluster - *mine)
	}
	return h
}
