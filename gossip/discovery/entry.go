package discovery

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"solsnap/gossip/wire"
)

// What an entry may hold. MaxEntry bounds its encoding with the signature, in
// bytes, and so what a catalog takes of memory.
const (
	MaxEntry     = 2048
	MaxAddresses = 4
	MaxTags      = 16
	MaxStreams   = 2
	MaxTickets   = 8

	maxAddress = 256
	maxTag     = 64
	maxClass   = 64
	maxTicket  = 1024
)

// formatVersion is the first byte of every encoding. It must change with it.
const formatVersion = 1

// Entry is what a peer says of itself. Its slices must not be modified once it is
// in a catalog.
type Entry struct {
	// Network is the fleet. Entries of another are never taken.
	Network wire.Hash
	Peer    wire.Pubkey
	Version Version
	// Addresses are base URLs, http or https, the preferred first.
	Addresses []string
	// Tags say anything, such as region=eu. They are sorted, each there once.
	Tags []string
	// Streams are the served pairs, sorted.
	Streams []Stream
	Load    Load
	// Tickets are sorted by class, then data.
	Tickets []Ticket
}

// Load is how much more a peer can serve.
type Load struct {
	// FreeSlots is how many more downloads it would start.
	FreeSlots uint32
	// Rate is what it sends at now, in bytes per second.
	Rate uint64
}

// Ticket is a credential that a peer shows to those it serves or asks.
type Ticket struct {
	Class string
	// Data is any bytes, such as a JWT.
	Data string
}

// Compare orders tickets by class.
func (t Ticket) Compare(other Ticket) int {
	return cmp.Or(cmp.Compare(t.Class, other.Class), cmp.Compare(t.Data, other.Data))
}

// Same reports whether both say the same, whatever their versions.
func (e *Entry) Same(other *Entry) bool {
	return e.Network == other.Network && e.Peer == other.Peer && e.Load == other.Load &&
		slices.Equal(e.Addresses, other.Addresses) && slices.Equal(e.Tags, other.Tags) &&
		slices.EqualFunc(e.Streams, other.Streams, func(a, b Stream) bool { return a.Compare(b) == 0 }) &&
		slices.Equal(e.Tickets, other.Tickets)
}

func (e *Entry) walk(c *codec) {
	c.format()
	c.array("network", e.Network[:])
	c.array("peer", e.Peer[:])
	e.Version.walk(c)
	list(c, "addresses", MaxAddresses, 2, &e.Addresses, walkAddress)
	list(c, "tags", MaxTags, 2, &e.Tags, walkTag)
	ascending(c, "tags", e.Tags, cmp.Compare)
	list(c, "streams", MaxStreams, archiveSize+1, &e.Streams, walkStream)
	ascending(c, "streams", e.Streams, Stream.Compare)
	c.uint32("free_slots", &e.Load.FreeSlots)
	c.uint64("rate", &e.Load.Rate)
	list(c, "tickets", MaxTickets, 4, &e.Tickets, walkTicket)
	ascending(c, "tickets", e.Tickets, Ticket.Compare)
}

func (c *codec) format() {
	version := uint8(formatVersion)
	if c.uint8("format", &version); version != formatVersion {
		c.fail("format", fmt.Errorf("%d, want %d: a newer solsnap is needed", version, formatVersion))
	}
}

func walkAddress(c *codec, v *string) {
	c.text("address", v, maxAddress)
	if c.err == nil {
		if err := checkAddress(*v); err != nil {
			c.fail("address", err)
		}
	}
}

// checkAddress refuses what is no base URL, and any but the one way to write it. It
// does not ask where the URL leads: what may be dialed is the transport's to decide.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%q, want an http or https URL", address)
	case u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fmt.Errorf("%q, want a host, and no user, query or fragment", address)
	case u.String() != address:
		return fmt.Errorf("%q, want it written %q", address, u)
	}
	return checkWord(address)
}

var errWord = errors.New("want at least one character, all of them printable ASCII and no spaces")

// checkWord keeps out what would break a line of a log or a terminal.
func checkWord(s string) error {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return errWord
		}
	}
	if s == "" {
		return errWord
	}
	return nil
}

func walkTag(c *codec, v *string) { c.word("tag", v, maxTag) }

func walkTicket(c *codec, v *Ticket) {
	c.word("class", &v.Class, maxClass)
	c.text("data", &v.Data, maxTicket)
}

func (c *codec) word(name string, v *string, limit int) {
	c.text(name, v, limit)
	if c.err == nil {
		if err := checkWord(*v); err != nil {
			c.fail(name, err)
		}
	}
}
