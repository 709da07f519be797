package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mr-tron/base58"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
)

const adminToken = "0123456789abcdef"

// outfit is what settings name: files, another ledger and its archives, an
// upstream, and a port that is taken.
type outfit struct {
	cert, key        string
	token            string
	identity, pubkey string
	ledger           string // with the genesis of genesisHash
	genesisHash      string
	archives         string // a full at 300, and an incremental 100 to 170
	upstream         string
	takenPort        string
}

func newOutfit(t *testing.T) *outfit {
	t.Helper()
	dir := t.TempDir()
	o := &outfit{
		cert: filepath.Join(dir, "tls.crt"), key: filepath.Join(dir, "tls.key"), token: filepath.Join(dir, "token"),
		identity: filepath.Join(dir, "identity.json"), pubkey: base58.Encode(testKey()[32:]),
		ledger: filepath.Join(dir, "ledger"), archives: filepath.Join(dir, "archives"),
	}
	writeCertificate(t, o.cert, o.key, 1)
	writeFile(t, o.token, []byte(adminToken+"\n"))
	writeFile(t, o.identity, formatKeypair(testKey()))
	genesis := []byte("genesis of another cluster")
	putArchive(t, o.archives, snapshot.Name{Kind: snapshot.Full, Slot: 300, Hash: snapshot.Hash{5}}, zstdBytes(100))
	putArchive(t, o.archives, snapshot.Name{Kind: snapshot.Incremental, Base: 100, Slot: 170, Hash: snapshot.Hash{6}}, zstdBytes(100))
	if err := os.Mkdir(o.ledger, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(o.ledger, "genesis.bin"), genesis)
	o.genesisHash = archive.GenesisHash(genesis).String()
	validator := httptest.NewServer(http.HandlerFunc(answerAsValidator))
	t.Cleanup(validator.Close)
	o.upstream = validator.URL
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	_, o.takenPort, _ = net.SplitHostPort(taken.Addr().String())
	return o
}

func (o *outfit) tlsFlags() []string {
	return []string{"--tls-cert", o.cert, "--tls-key", o.key, "--tls-port", "0"}
}

// hangs is a method that the upstream does not answer within its timeout.
const hangs = "getBlock"

// answerAsValidator is the upstream: at slot 1000, with 9 SOL of which 7
// circulate.
func answerAsValidator(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		ID     json.RawMessage
		Method string
	}
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &ask)
	result := `"of the upstream"`
	switch ask.Method {
	case "getSlot":
		result = "1000"
	case "getSupply":
		result = `{"context":{"slot":1000},"value":{"total":9000000000,"circulating":7000000000,"nonCirculating":2000000000,"nonCirculatingAccounts":[]}}`
	case hangs:
		select {
		case <-r.Context().Done(): // the caller has given up
		case <-time.After(3 * time.Second): // or has not
		}
	}
	fmt.Fprintf(w, `{"jsonrpc":"2.0","result":%s,"id":%s}`, result, ask.ID)
}

// writeCertificate puts a new self-signed certificate for 127.0.0.1 in place.
func writeCertificate(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	writeFile(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

var tlsListener = regexp.MustCompile(`"address":"([0-9.:]+)","use":"public-tls"`)

// dialTLS trusts the certificate file as it is now, and nothing else.
func (s *server) dialTLS(o *outfit) *tls.Conn {
	s.t.Helper()
	listener := tlsListener.FindStringSubmatch(s.status())
	if listener == nil {
		s.t.Fatalf("no TLS listener: %s", s.status())
	}
	trusted, err := os.ReadFile(o.cert)
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trusted)
	conn, err := tls.Dial("tcp", listener[1], &tls.Config{RootCAs: roots})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

// speaksTLS with the certificate of the file.
func (s *server) speaksTLS(o *outfit) {
	s.t.Helper()
	conn := s.dialTLS(o)
	_, _ = io.WriteString(conn, request("GET", "/"+incrAt150.String()))
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") || !strings.HasSuffix(string(answer), string(zstdBytes(1000))) {
		s.t.Errorf("over TLS: %.300q, %v", answer, err)
	}
}
