package crds

import "solsnap/gossip/wire"

// Filters are pull filters of what is not to be sent to us: the values of the
// table, those purged and failed of late, and those refused. They take at most
// room bytes each. Our own values are left out, and so are those they replaced:
// that others give them back tells that others have them. They ask for one in share
// partitions and for no more than most, that of our ContactInfo among them.
func (t *Table) Filters(room, share, most int, random func() uint64) (*wire.FilterSet, error) {
	set, err := wire.NewFilterSet(t.values.len()+t.purged.len()+t.failed.len()+t.refused.len(), room, share, most, random)
	if err != nil {
		return nil, err
	}
	if own, ok := t.Get(wire.Label{Kind: wire.KindContactInfo, Origin: t.self}); ok {
		set.Ask(own.Hash())
	}
	for _, e := range t.values.all() {
		if e.value.Origin() != t.self {
			set.Add(e.value.Hash())
		}
	}
	for h := range t.purged.all() {
		set.Add(h)
	}
	for h := range t.failed.all() {
		set.Add(h)
	}
	for _, r := range t.refused.all() {
		set.Add(r.hash)
	}
	return set, nil
}
