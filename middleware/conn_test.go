package middleware

import "testing"

func TestClientAddr(t *testing.T) {
	for remote, want := range map[string]string{
		"203.0.113.7:1234":            "203.0.113.7",
		"[::ffff:203.0.113.7]:1234":   "203.0.113.7",
		"[2001:db8:1:2:3:4:5:6]:1234": "2001:db8:1:2::",
		"[2001:db8:1:2:ffff::9]:80":   "2001:db8:1:2::",
		"[fe80::1%eth0]:1234":         "fe80::",
		"":                            "invalid IP",
		"pipe":                        "invalid IP",
	} {
		if got := ClientAddr(remote).String(); got != want {
			t.Errorf("%q: got %s, want %s", remote, got, want)
		}
	}
}
