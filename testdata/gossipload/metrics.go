//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// gossipMetrics are those of the node under test whose names have gossip in
// them, line by line as it prints them. A node without such has none.
func gossipMetrics(ctx context.Context, admin string) ([]string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read metrics of %s: %s", admin, response.Status)
	}
	return linesOfGossip(response.Body)
}

func linesOfGossip(r io.Reader) (lines []string, _ error) {
	s := bufio.NewScanner(r)
	for s.Scan() {
		name, _, _ := strings.Cut(s.Text(), "{")
		if !strings.HasPrefix(name, "#") && strings.Contains(name, "gossip") {
			lines = append(lines, s.Text())
		}
	}
	return lines, s.Err()
}
