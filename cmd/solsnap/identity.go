package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mr-tron/base58"

	"solsnap/snapshot/durable"
)

// identity is who this node is to the cluster. Nothing prints its private half.
type identity struct {
	key ed25519.PrivateKey
}

// Pubkey is the public half in base58, as Solana prints it.
func (i identity) Pubkey() string { return base58.Encode(i.key.Public().(ed25519.PublicKey)) }

// String and GoString keep the private half out of whatever is printed.
func (i identity) String() string   { return i.Pubkey() }
func (i identity) GoString() string { return i.Pubkey() }

// maxKeypairText is well above 64 numbers with any spacing that a person or tool
// would use.
const maxKeypairText = 4096

// loadIdentity reads c.Identity, or identity.json in the state directory, which
// it makes when it is missing.
func loadIdentity(c Config, log *slog.Logger) (identity, error) {
	if c.Identity != "" {
		id, err := readIdentity(c.Identity, log)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; make one with `solana-keygen new --outfile %s`, or leave identity out to have one made", err, c.Identity)
		}
		return id, err
	}
	path := filepath.Join(c.StateDir, "identity.json")
	id, err := readIdentity(path, log)
	if errors.Is(err, fs.ErrNotExist) {
		return createIdentity(path, log)
	}
	return id, err
}

func readIdentity(path string, log *slog.Logger) (identity, error) {
	file, err := os.Open(path)
	if err != nil {
		return identity{}, fmt.Errorf("identity: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeypairText+1))
	if err != nil {
		return identity{}, fmt.Errorf("identity: %w", err)
	}
	key, err := parseKeypair(text)
	if err != nil {
		return identity{}, fmt.Errorf("identity %s: %w; want a keypair as solana-keygen writes it", path, err)
	}
	if info, err := file.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("identity file is open to others; chmod 600 it", "path", path, "mode", info.Mode().Perm())
	}
	return identity{key}, nil
}

// parseKeypair reads a JSON array of 64 numbers: the 32 bytes of the Ed25519
// seed, then the 32 of the public key. Its errors show nothing of the key.
func parseKeypair(text []byte) (ed25519.PrivateKey, error) {
	if len(text) > maxKeypairText {
		return nil, fmt.Errorf("more than %d bytes", maxKeypairText)
	}
	var numbers []*uint8 // pointers, so that null is not taken for 0
	if err := json.Unmarshal(text, &numbers); err != nil {
		return nil, errors.New("no JSON array of numbers from 0 to 255")
	}
	if len(numbers) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("%d numbers, want %d", len(numbers), ed25519.PrivateKeySize)
	}
	pair := make([]byte, 0, ed25519.PrivateKeySize)
	for _, n := range numbers {
		if n == nil {
			return nil, errors.New("null among the numbers")
		}
		pair = append(pair, *n)
	}
	key := ed25519.NewKeyFromSeed(pair[:ed25519.SeedSize])
	if !bytes.Equal(key, pair) {
		return nil, errors.New("its public half does not belong to its private half")
	}
	return key, nil
}

// formatKeypair is the inverse of parseKeypair, in solana-keygen's spacing.
func formatKeypair(key ed25519.PrivateKey) []byte {
	numbers := make([]string, 0, len(key))
	for _, b := range key {
		numbers = append(numbers, strconv.Itoa(int(b)))
	}
	return []byte("[" + strings.Join(numbers, ",") + "]")
}

func createIdentity(path string, log *slog.Logger) (identity, error) {
	_, key, err := ed25519.GenerateKey(nil) // from crypto/rand
	if err == nil {
		err = writeSecret(path, formatKeypair(key))
	}
	if err != nil {
		return identity{}, fmt.Errorf("create identity %s: %w; check that state-dir is writable and has space, or give another", path, err)
	}
	id := identity{key}
	log.Info("identity created", "path", path, "pubkey", id.Pubkey())
	return id, nil
}

// writeSecret makes path hold b, for the owner's eyes only, or leaves nothing.
func writeSecret(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return durable.WriteFile(path, 0o600, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}
