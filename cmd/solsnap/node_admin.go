package main

import (
	"fmt"
	"os"
	"strings"

	"solsnap/api"
)

func (n *node) buildAdmin(cfg Config) error {
	if !cfg.AdminAddress.IsValid() {
		return nil
	}
	token, err := readToken(cfg.AdminTokenFile)
	if err != nil {
		return err
	}
	config := api.AdminConfig{
		Address: cfg.AdminAddress.String(), Gatherer: n.metrics(), Status: n.status, Token: token, Logger: n.logger,
	}
	if n.gossip != nil {
		config.Gossip = n.gossipStatus
	}
	n.admin, err = api.NewAdmin(config)
	return err
}

// readToken reads the admin token; "" for none.
func readToken(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("admin-token-file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	const shortest = 16
	if len(token) < shortest {
		return "", fmt.Errorf("admin-token-file: the token in %s has %d characters, want at least %d: make one with `openssl rand -hex 32`", path, len(token), shortest)
	}
	return token, nil
}
