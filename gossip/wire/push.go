package wire

// MaxValues is how many bytes of values fit into a Push or PullResponse. No
// single value is larger.
const MaxValues = MaxPacket - 4 - 32 - 8

// smallestValue is a signature and a tag.
const smallestValue = 64 + 4

// Push hands values on to a node that did not ask.
type Push struct {
	// From is who relays, by its own account: nothing proves it. Use it for prunes
	// and nothing else.
	From   Pubkey
	Values []Value
}

// Protocol is ProtocolPush.
func (*Push) Protocol() Protocol { return ProtocolPush }

func (m *Push) walk(c *codec) {
	c.array("from", m.From[:])
	list(c, "values", smallestValue, &m.Values)
}

// PullResponse answers a PullRequest, in as many packets as it takes.
type PullResponse struct {
	// From is who answers, by its own account: nothing proves it.
	From   Pubkey
	Values []Value
}

// Protocol is ProtocolPullResponse.
func (*PullResponse) Protocol() Protocol { return ProtocolPullResponse }

func (m *PullResponse) walk(c *codec) {
	c.array("from", m.From[:])
	list(c, "values", smallestValue, &m.Values)
}

// Pack cuts values into runs that fit a packet each, in their order. Values that
// no packet may carry, see Relayable, are left out.
func Pack(values []Verified) [][]Value {
	var packs [][]Value
	room := 0
	for i := range values {
		v := values[i].Value()
		size := len(v.Bytes())
		if !v.Relayable() || size > MaxValues {
			continue
		}
		if size > room {
			packs = append(packs, nil)
			room = MaxValues
		}
		packs[len(packs)-1] = append(packs[len(packs)-1], v)
		room -= size
	}
	return packs
}
