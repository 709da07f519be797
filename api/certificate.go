package api

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// checkEvery is how often Certificate.Run looks whether its files have changed.
const checkEvery = 10 * time.Second

// Certificate is a TLS certificate and key in PEM files, read again when they
// change. It always holds a usable pair: files that cannot be used leave the
// last good ones in force.
type Certificate struct {
	certFile, keyFile string
	logger            *slog.Logger

	current atomic.Pointer[tls.Certificate] // replaced whole, never modified

	mu   sync.Mutex
	seen [2]fileVersion // what the last load found, good or not; guarded by mu
}

// fileVersion tells one state of a file from the next. The zero value is a file
// that cannot be seen.
type fileVersion struct {
	size     int64
	modified time.Time
}

// LoadCertificate reads a certificate chain and its private key. Nil logger
// discards.
func LoadCertificate(certFile, keyFile string, logger *slog.Logger) (*Certificate, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	c := &Certificate{certFile: certFile, keyFile: keyFile, logger: logger}
	if err := c.Reload(); err != nil {
		return nil, err
	}
	return c, nil
}

// Reload reads the files now. When they cannot be used it says why and changes
// nothing.
func (c *Certificate) Reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The versions are taken before the bytes, so that a write in between is
	// seen as a change the next time.
	c.seen = c.versions()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("load TLS certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.current.Store(&pair)
	c.logger.Info("certificate loaded", "path", c.certFile, "not_after", pair.Leaf.NotAfter)
	if now := time.Now(); now.After(pair.Leaf.NotAfter) {
		c.logger.Warn("certificate has expired", "path", c.certFile, "not_after", pair.Leaf.NotAfter)
	}
	return nil
}

// Run reloads the files when they change, until ctx is done.
func (c *Certificate) Run(ctx context.Context) error {
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			c.check()
		}
	}
}

// check reloads if the files have changed. A bad state is reported once: it is
// tried again when it changes.
func (c *Certificate) check() {
	if !c.changed() {
		return
	}
	if err := c.Reload(); err != nil {
		c.logger.Error("certificate cannot be reloaded, the old one stays in force", "path", c.certFile, "err", err)
	}
}

func (c *Certificate) changed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.versions() != c.seen
}

func (c *Certificate) versions() [2]fileVersion {
	return [2]fileVersion{versionOf(c.certFile), versionOf(c.keyFile)}
}

// versionOf follows symbolic links, which is how Kubernetes swaps its files.
func versionOf(path string) fileVersion {
	info, err := os.Stat(path)
	if err != nil {
		return fileVersion{}
	}
	return fileVersion{info.Size(), info.ModTime()}
}

// NotAfter is when the certificate in force expires.
func (c *Certificate) NotAfter() time.Time { return c.current.Load().Leaf.NotAfter }

// get is for tls.Config.GetCertificate.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}
