package wire

import "fmt"

// PullRequest asks for values that the sender has not got. It goes to one node,
// which answers the address that the datagram came from, if that has ponged.
type PullRequest struct {
	// Filter says what the sender has.
	Filter CrdsFilter
	// Caller is the sender's ContactInfo. It is not for the table: nodes become
	// known only by pushing.
	Caller Value
}

// Protocol is ProtocolPullRequest.
func (*PullRequest) Protocol() Protocol { return ProtocolPullRequest }

func (r *PullRequest) walk(c *codec) {
	c.enter("filter", -1)
	r.Filter.walk(c)
	c.leave()
	c.enter("caller", -1)
	r.Caller.walk(c)
	c.leave()
	kind := r.Caller.Kind()
	if c.err == nil && kind != KindContactInfo && (!c.legacy || kind != KindLegacyContactInfo) {
		c.fail("caller", fmt.Errorf("value is a %v, want a %v", kind, KindContactInfo))
	}
}
