package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// keyPair is where a test keeps a certificate for 127.0.0.1 and its key.
type keyPair struct {
	certFile, keyFile string
	age               time.Duration // how old the files look; each write is younger
}

func newKeyPair(t *testing.T, serial int64) *keyPair {
	t.Helper()
	dir := t.TempDir()
	k := &keyPair{certFile: filepath.Join(dir, "tls.crt"), keyFile: filepath.Join(dir, "tls.key"), age: time.Hour}
	k.write(t, serial)
	return k
}

// write puts a new certificate of the serial number in place.
func (k *keyPair) write(t *testing.T, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: "solsnap test"},
		NotBefore:    time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), // before the clock of synctest
		NotAfter:     time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	k.age -= time.Minute
	k.put(t, k.certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	k.put(t, k.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// put writes a file with a modification time that no other write has.
func (k *keyPair) put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	modified := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC).Add(-k.age)
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
}

func (k *keyPair) load(t *testing.T, logger *slog.Logger) *Certificate {
	t.Helper()
	c, err := LoadCertificate(k.certFile, k.keyFile, logger)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serial is that of the certificate in force.
func serial(c *Certificate) int64 { return c.current.Load().Leaf.SerialNumber.Int64() }

func TestLoadCertificateNamesTheFiles(t *testing.T) {
	k := newKeyPair(t, 1)
	k.put(t, k.keyFile, []byte("no key"))
	_, err := LoadCertificate(k.certFile, k.keyFile, nil)
	if err == nil || !strings.Contains(err.Error(), k.certFile) || !strings.Contains(err.Error(), k.keyFile) {
		t.Errorf("got %v, want an error with both paths", err)
	}
}

func TestCertificateRunReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var book logbook
		k := newKeyPair(t, 1)
		c := k.load(t, book.at(slog.LevelError))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()

		later := func(want int64, when string) {
			t.Helper()
			time.Sleep(checkEvery)
			synctest.Wait()
			if got := serial(c); got != want {
				t.Errorf("%s: certificate %d is in force, want %d", when, got, want)
			}
		}
		later(1, "unchanged")
		k.write(t, 2)
		later(2, "renewed")
		k.age -= time.Minute
		k.put(t, k.certFile, []byte("garbage"))
		later(2, "broken")
		later(2, "still broken")
		if n := strings.Count(book.String(), "level=ERROR"); n != 1 || !strings.Contains(book.String(), k.certFile) {
			t.Errorf("one broken state is logged %d times, want once with its path:\n%s", n, book.String())
		}
		if err := os.Remove(k.keyFile); err != nil {
			t.Fatal(err)
		}
		later(2, "gone")
		k.write(t, 3)
		later(3, "mended")

		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestCertificateReloadKeepsTheOld(t *testing.T) {
	k := newKeyPair(t, 1)
	c := k.load(t, nil)
	other := newKeyPair(t, 9)
	k.certFile, c.certFile = other.certFile, other.certFile // not of this key
	if err := c.Reload(); err == nil || !strings.Contains(err.Error(), other.certFile) {
		t.Errorf("got %v, want an error with the path", err)
	}
	if got := serial(c); got != 1 {
		t.Errorf("certificate %d is in force, want 1", got)
	}
}

// secure is a server with a plaintext and a TLS listener.
func secure(t *testing.T, edit func(*Config)) (*running, *keyPair) {
	t.Helper()
	k := newKeyPair(t, 1)
	return start(t, func(c *Config) {
		c.TLSListeners = []string{"127.0.0.1:0"}
		c.Certificate = k.load(t, nil)
		if edit != nil {
			edit(c)
		}
	}), k
}

// trusting is a client configuration that accepts what the server has now.
func trusting(r *running, protocols ...string) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(r.cfg.Certificate.current.Load().Leaf)
	return &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", NextProtos: protocols}
}

func (r *running) tlsAddress() string { return r.Addrs()[1].String() }

func TestTLSVersionsAndProtocols(t *testing.T) {
	r, _ := secure(t, nil)
	for name, tt := range map[string]struct {
		offered []string
		want    string
	}{
		"both": {[]string{"h2", "http/1.1"}, "h2"},
		"http": {[]string{"http/1.1"}, "http/1.1"},
		"none": {nil, ""},
	} {
		c, err := tls.Dial("tcp", r.tlsAddress(), trusting(r, tt.offered...))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if state := c.ConnectionState(); state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != tt.want {
			t.Errorf("%s: %s over %s", name, state.NegotiatedProtocol, tls.VersionName(state.Version))
		}
		c.Close()
	}
	old := trusting(r)
	old.MaxVersion = tls.VersionTLS12
	if c, err := tls.Dial("tcp", r.tlsAddress(), old); err == nil {
		c.Close()
		t.Error("TLS 1.2 is accepted")
	}
}

// client speaks HTTP/2 or HTTP/1.1 over TLS and leaves nothing behind.
func client(t *testing.T, r *running, two bool) *http.Client {
	t.Helper()
	var protocols http.Protocols
	protocols.SetHTTP1(!two)
	protocols.SetHTTP2(two)
	transport := &http.Transport{TLSClientConfig: trusting(r), Protocols: &protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func TestBothProtocolsOverTLS(t *testing.T) {
	conns := make(chan net.Conn, 2)
	r, _ := secure(t, func(c *Config) {
		c.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
			conns <- conn
			return ctx
		}
	})
	for _, two := range []bool{false, true} {
		res, err := client(t, r, two).Get("https://" + r.tlsAddress() + "/livez")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(body) != `{"status":"ok"}`+"\n" || (res.ProtoMajor == 2) != two {
			t.Errorf("%s: %s", res.Proto, body)
		}
		if conn := <-conns; !hasSocket(conn) {
			t.Errorf("%s: below is a %T, which hides the socket", res.Proto, conn)
		}
	}
}

func TestTLSReloadByServer(t *testing.T) {
	r, k := secure(t, nil)
	k.write(t, 2)
	if err := r.cfg.Certificate.Reload(); err != nil {
		t.Fatal(err)
	}
	c, err := tls.Dial("tcp", r.tlsAddress(), trusting(r))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.ConnectionState().PeerCertificates[0].SerialNumber.Int64(); got != 2 {
		t.Errorf("a new connection gets certificate %d, want 2", got)
	}
}

func TestTLSExpiryMetric(t *testing.T) {
	r, _ := secure(t, nil)
	wantMetrics(t, r.Server, map[string]float64{
		"solsnap_http_connections_open":                 0,
		"solsnap_http_connections_accepted_total":       0,
		"solsnap_http_connections_refused_total total":  0,
		"solsnap_http_connections_refused_total client": 0,
		"solsnap_tls_certificate_not_after_seconds":     float64(r.cfg.Certificate.NotAfter().Unix()),
	})
}

func TestTLSCap(t *testing.T) {
	r, _ := secure(t, func(c *Config) { c.MaxConnections = 1 })
	inside := r.dial()
	inside.send("GET /livez HTTP/1.1\nHost: x\n\n")
	inside.receive("GET")
	if c, err := tls.Dial("tcp", r.tlsAddress(), trusting(r)); err == nil {
		c.Close()
		t.Error("a TLS connection above the cap is let in")
	}
	if got := r.endpoint.total.refused.Load(); got != 1 {
		t.Errorf("%d turned away, want 1", got)
	}
}

// TestTLSNoise: peers that probe, or speak something else, are no errors.
func TestTLSNoise(t *testing.T) {
	var book logbook
	r, _ := secure(t, func(c *Config) { c.Logger = book.at(slog.LevelInfo) })
	for _, bytes := range []string{"", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01"} {
		c, err := net.Dial("tcp", r.tlsAddress())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, bytes)
		c.Close()
	}
	// The queue is first in, first out: once this is answered, those are accepted.
	if res, err := client(t, r, false).Get("https://" + r.tlsAddress() + "/livez"); err != nil {
		t.Fatal(err)
	} else {
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	r.cancel()
	r.wait()
	for line := range strings.Lines(book.String()) {
		if !strings.Contains(line, "msg=listening") && !strings.Contains(line, "msg=drain") {
			t.Errorf("logged: %s", line)
		}
	}
}

func TestDrainOverHTTP2(t *testing.T) {
	goOn := make(chan struct{})
	r, _ := secure(t, func(c *Config) { c.RPC = download("half", goOn) })
	res, err := client(t, r, true).Get("https://" + r.tlsAddress() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	r.cancel()
	refusesDials(t, r.tlsAddress())
	close(goOn)
	body, err := io.ReadAll(res.Body)
	if string(body) != "halfhalf" || err != nil {
		t.Errorf("got %q, error %v", body, err)
	}
	r.wait()
}

func TestDrainCutsHTTP2(t *testing.T) {
	var book logbook
	r, _ := secure(t, func(c *Config) {
		c.Logger = book.at(slog.LevelWarn)
		c.DrainTimeout = 50 * time.Millisecond
		c.RPC = http.HandlerFunc(endless)
	})
	res, err := client(t, r, true).Get("https://" + r.tlsAddress() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	r.cancel()
	r.wait()
	if log := book.String(); !strings.Contains(log, "transfers cut") || !strings.Contains(log, "transfers=1") {
		t.Errorf("logged:\n%s", log)
	}
	if _, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Error("a download that was cut looks complete")
	}
}
