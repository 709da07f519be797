package wire

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"testing"
)

// TestIPEchoIsThatOfTheFixtures goes both ways.
func TestIPEchoIsThatOfTheFixtures(t *testing.T) {
	b := fixture(t, "derived_ipecho_request.bin")
	request, err := DecodeIPEchoRequest(b)
	check(t, "error", err, nil)
	check(t, "request", request, IPEchoRequest{TCPPorts: [4]uint16{8899, 8001}, UDPPorts: [4]uint16{8001, 8003}})
	check(t, "request again", hex.EncodeToString(request.Append(nil)), hex.EncodeToString(b))

	b = fixture(t, "derived_ipecho_response.bin")
	response, err := DecodeIPEchoResponse(b)
	check(t, "error", err, nil)
	check(t, "response", response, IPEchoResponse{netip.MustParseAddr("203.0.113.7"), 50093})
	again, err := response.Append(nil)
	check(t, "error", err, nil)
	check(t, "response again", hex.EncodeToString(again), hex.EncodeToString(b))
}

func TestIPEchoRequest(t *testing.T) {
	whole := (&IPEchoRequest{TCPPorts: [4]uint16{1, 2, 3, 4}, UDPPorts: [4]uint16{5, 6, 7, 8}}).Append(nil)
	check(t, "size", len(whole), IPEchoRequestSize)
	for n := range whole {
		_, err := DecodeIPEchoRequest(whole[:n])
		checkError(t, err, "unexpected EOF")
	}
	_, err := DecodeIPEchoRequest(append(whole, 0))
	checkError(t, err, "1 bytes after the end")
	for text, want := range map[string]error{"GET / HTTP/1.1\r\nHost: x": ErrHTTP, "POST / HTTP/1.1\r\nHost:": ErrHTTP} {
		if _, err := DecodeIPEchoRequest([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%q: error is %v, want %v", text, err, want)
		}
	}
	whole[0] = 1
	_, err = DecodeIPEchoRequest(whole)
	checkError(t, err, "header is 01000000, want 00000000")
}

func TestIPEchoResponse(t *testing.T) {
	for name, tt := range map[string]struct {
		hex     string
		want    IPEchoResponse
		refusal string
	}{
		"IPv6":                 {"00000000 01000000 20010db8000000000000000000000001 01 adc3", IPEchoResponse{netip.MustParseAddr("2001:db8::1"), 50093}, ""},
		"IPv4":                 {"00000000 00000000 cb007107 01 adc3", IPEchoResponse{netip.MustParseAddr("203.0.113.7"), 50093}, ""},
		"trailing bytes":       {"00000000 00000000 cb007107 01 adc3 ffff", IPEchoResponse{netip.MustParseAddr("203.0.113.7"), 50093}, ""},
		"no shred version":     {"00000000 00000000 cb007107 00", IPEchoResponse{Addr: netip.MustParseAddr("203.0.113.7")}, ""},
		"before shred version": {"00000000 00000000 cb007107", IPEchoResponse{Addr: netip.MustParseAddr("203.0.113.7")}, ""},
		"nothing":              {"", IPEchoResponse{}, "unexpected EOF"},
		"HTTP":                 {hex.EncodeToString([]byte("HTTP/1.1 400 Bad Request\r\n")), IPEchoResponse{}, ErrHTTP.Error()},
		"other header":         {"00000001 00000000 cb007107 00", IPEchoResponse{}, "header is 00000001"},
		"other family":         {"00000000 02000000 cb007107 00", IPEchoResponse{}, "address family 2"},
		"other tag":            {"00000000 00000000 cb007107 02", IPEchoResponse{}, "tag 2"},
		"cut shred version":    {"00000000 00000000 cb007107 01 ad", IPEchoResponse{}, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := DecodeIPEchoResponse(unhex(t, tt.hex))
			if tt.refusal != "" {
				checkError(t, err, tt.refusal)
				return
			}
			check(t, "error", err, nil)
			check(t, "response", got, tt.want)
			b, err := got.Append(nil)
			check(t, "error", err, nil)
			check(t, "size", len(b), IPEchoResponseSize)
		})
	}
	_, err := (&IPEchoResponse{}).Append(nil)
	checkError(t, err, "no address")
}
