package origin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"solsnap/gossip/discovery"
	"solsnap/snapshot"
)

func TestURLs(t *testing.T) {
	for text, address := range map[string]string{
		"http://192.0.2.1:8899":                "http://192.0.2.1:8899",
		"HTTPS://Mirror.Example//":             "https://mirror.example",
		"http://[2001:DB8::1]:80/mainnet/":     "http://[2001:db8::1]:80/mainnet",
		"ftp://a":                              "",
		"a.example:8899":                       "",
		"http://":                              "",
		"":                                     "",
		"http://u:secret@a":                    "",
		"http://a?x":                           "",
		"http://a?":                            "",
		"http://a#x":                           "",
		"http://a/" + strings.Repeat("x", 250): "",
		"http://a b":                           "",
	} {
		b, err := parseBase(text)
		want(t, text, b.text, address)
		want(t, text+": error", err != nil, address == "")
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%v tells the password", err)
		}
	}
	one, err := Key("http://A.example/")
	noError(t, err)
	two, err := Key("http://a.example")
	noError(t, err)
	want(t, "keys of one server", one, two)
	// It must not change: others know the entry by it.
	want(t, "key", two.String(), "CD34JEaJtmtjMrXeQeSX8iFZsHhhCMe3hycHHMY7UcqS")
	if _, err := Key("x"); err == nil {
		t.Error("a key of no URL")
	}
}

func TestX8BadConfigsAreErrors(t *testing.T) {
	good := Config{Directory: newDirectory(t), Network: network}
	for name, edit := range map[string]func(*Config){
		"no directory":      func(c *Config) { c.Directory = nil },
		"bad URL":           func(c *Config) { c.URLs = []string{home, "x"} },
		"too many":          func(c *Config) { c.URLs = make([]string, MaxURLs+1) },
		"negative interval": func(c *Config) { c.Interval = -1 },
		"negative hold":     func(c *Config) { c.Hold = -time.Second },
	} {
		c := good
		edit(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, err := New(good)
	noError(t, err)
}

// FuzzBase: what is accepted can be listed, and is the same when read again.
func FuzzBase(f *testing.F) {
	for _, s := range []string{home, "https://[::1%25eth0]:1/a%2fb", "http://bücher.example/ü", "http://a//../b/", "http://a:", "http://%41"} {
		f.Add(s)
	}
	d := newDirectory(f)
	f.Fuzz(func(t *testing.T, text string) {
		b, err := parseBase(text)
		if err != nil {
			return
		}
		again, err := parseBase(b.text)
		if err != nil || again.text != b.text {
			t.Fatalf("%q is %q, and that is %q, %v", text, b.text, again.text, err)
		}
		e := discovery.Entry{Network: network, Peer: b.key(), Addresses: []string{b.text},
			Version: discovery.Version{Update: uint64(time.Now().UnixMilli())}}
		if err := d.Insert(e, discovery.Origin); err != nil {
			t.Fatalf("%q: %v", b.text, err)
		}
		d.Remove(b.key())
	})
}

// FuzzNamed: whatever a server answers, what is asked for next is an archive right
// below the base.
func FuzzNamed(f *testing.F) {
	name := full100.String()
	for _, location := range []string{"/" + name, name, "http://o.example:80/base/" + name, "//o.example/" + name, "/base/../" + name, "?" + name, "x:" + name} {
		f.Add(303, location, "")
	}
	f.Add(200, "", `attachment; filename="`+name+`"`)
	b, err := parseBase("http://o.example/base")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, location, disposition string) {
		h := &head{status: status, header: http.Header{
			"Location": {location}, "Content-Location": {location}, "Content-Disposition": {disposition}, "Repr-Digest": {location}}}
		digestIn(h.header)
		got, err := b.named(h)
		if err != nil {
			return
		}
		if !strings.Contains(location+disposition, got.String()) && !strings.Contains(disposition, "%") {
			t.Fatalf("%v is not what %q and %q say", got, location, disposition)
		}
		u, err := url.Parse(b.at(got.String()))
		if err != nil || u.Host != "o.example" || u.Path != "/base/"+got.String() || u.String() != b.at(got.String()) {
			t.Fatalf("it leads to %v, %v", u, err)
		}
		if again, err := snapshot.ParseName(got.String()); err != nil || again != got {
			t.Fatalf("%v is no name: %v", got, err)
		}
	})
}

// FuzzServer: whatever a server calls itself, its entry can be listed.
func FuzzServer(f *testing.F) {
	f.Add("nginx/1.28.0 (Ubuntu)", "ok")
	d := newDirectory(f)
	f.Fuzz(func(t *testing.T, server, health string) {
		if health != "ok" {
			health = ""
		}
		b, _ := parseBase(home)
		w := newWatch(&Config{Directory: d, Network: network}, b)
		w.advanced = time.Now()
		if err := w.list(&answer{full: facts{name: full100}, server: server, health: health}); err != nil {
			t.Fatal(err)
		}
	})
}
