package wire

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
)

// The sizes of what IP echo says over TCP (Agave net-utils/src/ip_echo_server.rs).
const (
	IPEchoRequestSize  = 21
	IPEchoResponseSize = 27
)

// ErrHTTP means that the other side of IP echo speaks HTTP. A server answers
// 400 Bad Request; a client has the wrong port.
var ErrHTTP = errors.New("peer speaks HTTP, want IP echo")

// IPEchoRequest asks an entrypoint for one's own address, and to try ports. A
// port of 0 is none.
type IPEchoRequest struct {
	TCPPorts, UDPPorts [4]uint16
}

// IPEchoResponse says what address a request came from.
type IPEchoResponse struct {
	Addr netip.Addr
	// ShredVersion is that of the cluster, or 0 when the other side does not know.
	ShredVersion uint16
}

// Append writes the request behind b.
func (r *IPEchoRequest) Append(b []byte) []byte {
	c := Modern.writer(b)
	r.walk(c)
	return c.buf
}

// DecodeIPEchoRequest reads a request, which has IPEchoRequestSize bytes. Its last
// byte is a line feed, and not looked at. The error is ErrHTTP for a request of
// HTTP.
func DecodeIPEchoRequest(b []byte) (r IPEchoRequest, err error) {
	if err := checkEchoHeader(b, "GET ", "POST"); err != nil {
		return IPEchoRequest{}, err
	}
	c := Modern.reader(b)
	r.walk(c)
	if err := c.finish(); err != nil {
		return IPEchoRequest{}, fmt.Errorf("decode IP echo request: %w", err)
	}
	return r, nil
}

func (r *IPEchoRequest) walk(c *codec) {
	var header uint32
	c.uint32("header", &header)
	for i := range r.TCPPorts {
		c.uint16("tcp_ports", &r.TCPPorts[i])
	}
	for i := range r.UDPPorts {
		c.uint16("udp_ports", &r.UDPPorts[i])
	}
	end := uint8('\n')
	c.uint8("end", &end)
}

// Append writes the response behind b, filled up to IPEchoResponseSize. The
// address is valid.
func (r *IPEchoResponse) Append(b []byte) ([]byte, error) {
	c := Modern.writer(b)
	r.walk(c)
	if c.err != nil {
		return b, fmt.Errorf("encode IP echo response: %w", c.err)
	}
	padding := IPEchoResponseSize - (len(c.buf) - len(b))
	return append(c.buf, make([]byte, padding)...), nil
}

// DecodeIPEchoResponse reads a response. What follows it is not looked at, and
// the shred version may be missing. The error is ErrHTTP for a response of HTTP.
func DecodeIPEchoResponse(b []byte) (r IPEchoResponse, err error) {
	if err := checkEchoHeader(b, "HTTP"); err != nil {
		return IPEchoResponse{}, err
	}
	c := Modern.reader(b)
	if r.walk(c); c.err != nil {
		return IPEchoResponse{}, fmt.Errorf("decode IP echo response: %w", c.err)
	}
	return r, nil
}

func (r *IPEchoResponse) walk(c *codec) {
	var header uint32
	c.uint32("header", &header)
	c.address("address", &r.Addr)
	if !c.writing && c.left() == 0 {
		return // an old server, which knows of no shred versions
	}
	known := r.ShredVersion != 0
	if c.bool("shred_version", &known); known {
		c.uint16("shred_version", &r.ShredVersion)
	}
}

// checkEchoHeader checks that four zeros come first, and not the beginning of an
// HTTP message.
func checkEchoHeader(b []byte, http ...string) error {
	for _, word := range http {
		if bytes.HasPrefix(b, []byte(word)) {
			return ErrHTTP
		}
	}
	if len(b) >= 4 && !bytes.HasPrefix(b, []byte{0, 0, 0, 0}) {
		return fmt.Errorf("IP echo header is %x, want 00000000", b[:4])
	}
	return nil
}
