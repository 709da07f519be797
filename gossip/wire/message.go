package wire

import (
	"fmt"
)

// MaxPacket is the size of the largest datagram of gossip in bytes: an IPv6
// packet of 1280 without its headers (Agave, PACKET_DATA_SIZE).
const MaxPacket = 1232

// Protocol says which message a datagram is (Agave gossip/src/protocol.rs).
type Protocol uint32

// The messages.
const (
	ProtocolPullRequest Protocol = iota
	ProtocolPullResponse
	ProtocolPush
	ProtocolPrune
	ProtocolPing
	ProtocolPong
)

var protocolNames = [...]string{"PullRequest", "PullResponse", "PushMessage", "PruneMessage", "PingMessage", "PongMessage"}

// String is Agave's name of the message.
func (p Protocol) String() string {
	if int(p) < len(protocolNames) {
		return protocolNames[p]
	}
	return fmt.Sprintf("Protocol(%d)", uint32(p))
}

// Message is one of *PullRequest, *PullResponse, *Push, *Prune, *Ping, *Pong.
type Message interface {
	Protocol() Protocol
	walk(c *codec)
}

// newMessage is an empty message, or nil when there is no such.
func newMessage(p Protocol) Message {
	switch p {
	case ProtocolPullRequest:
		return new(PullRequest)
	case ProtocolPullResponse:
		return new(PullResponse)
	case ProtocolPush:
		return new(Push)
	case ProtocolPrune:
		return new(Prune)
	case ProtocolPing:
		return new(Ping)
	case ProtocolPong:
		return new(Pong)
	}
	return nil
}

// Dialect is what of the protocol's past is understood.
type Dialect uint8

const (
	// Modern is what every node of 2026 takes, and the only thing to speak.
	Modern Dialect = iota
	// Legacy also takes what nodes sent before: the dead values, IPv6 addresses in
	// a ContactInfo, small and empty pull filters. It is for captures of old
	// packets.
	Legacy
)

// Decode takes a datagram apart in the Modern dialect.
func Decode(b []byte) (Message, error) { return Modern.Decode(b) }

// Append writes a message behind b in the Modern dialect.
func Append(b []byte, m Message) ([]byte, error) { return Modern.Append(b, m) }

// Decode takes a datagram apart. Nothing may follow the message. No signature is
// checked. The message shares the memory of b, so whoever keeps an unverified
// part of it must leave b alone. The error wraps a *FieldError where a field is
// at fault.
func (d Dialect) Decode(b []byte) (Message, error) {
	if len(b) > MaxPacket {
		return nil, fmt.Errorf("packet of %d bytes, want at most %d", len(b), MaxPacket)
	}
	c := d.reader(b)
	var protocol Protocol
	c.uint32("protocol", (*uint32)(&protocol))
	m := newMessage(protocol)
	if m == nil {
		return nil, fmt.Errorf("message of unknown kind %d", uint32(protocol))
	}
	m.walk(c)
	if err := c.finish(); err != nil {
		return nil, &messageError{"decode", protocol, err}
	}
	return m, nil
}

// Append writes a message behind b, and gives the longer slice. It refuses what
// Decode would refuse; b is then returned as it was.
func (d Dialect) Append(b []byte, m Message) ([]byte, error) {
	c := d.writer(b)
	protocol := m.Protocol()
	c.uint32("protocol", (*uint32)(&protocol))
	m.walk(c)
	if err := c.finish(); err != nil {
		return b, &messageError{"encode", protocol, err}
	}
	if size := len(c.buf) - len(b); size > MaxPacket {
		return b, fmt.Errorf("encode %v: %d bytes, want at most %d", protocol, size, MaxPacket)
	}
	return c.buf, nil
}

func (d Dialect) reader(b []byte) *codec {
	c := &codec{buf: b, legacy: d == Legacy}
	c.path = c.steps[:0]
	return c
}

func (d Dialect) writer(b []byte) *codec {
	c := d.reader(b)
	c.writing = true
	return c
}
