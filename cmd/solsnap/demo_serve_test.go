package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
)

// The demo as a newcomer meets it: started with a free port, asked what it
// prints, and ended.
func TestDemoFromItsInstructions(t *testing.T) {
	isolate(t)
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	stdout, written := io.Pipe()
	var log bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"demo", "--rpc-port", "0"}, strings.NewReader(""), written, &log)
		written.Close()
	}()
	said := printedInstructions(t, stdout)
	go io.Copy(io.Discard, stdout)
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(said)

	full := fetchWhenThere(t, url+"/snapshot.tar.bz2")
	incremental := fetchWhenThere(t, url+"/incremental-snapshot.tar.bz2")
	if full.Kind != snapshot.Full || incremental.Kind != snapshot.Incremental || incremental.Base != full.Slot {
		t.Errorf("the aliases lead to %s and %s, want a pair", full, incremental)
	}
	if _, err := archive.ReadGenesisArchive(strings.NewReader(get(t, url+"/genesis.tar.bz2"))); err != nil {
		t.Error(err)
	}
	if word := get(t, url+"/health"); word != "ok" {
		t.Errorf("health is %q, want ok", word)
	}
	checkHighest(t, url, full.Slot, incremental.Slot)
	checkPeers(t, said, url, full)

	cancel()
	if err := <-ended; err != nil {
		t.Fatalf("demo: %v\n%s", err, &log)
	}
	if entries, _ := os.ReadDir(os.Getenv("TMPDIR")); len(entries) > 0 {
		t.Errorf("left %v", entries)
	}
}

// printedInstructions are all of them, to the line that says how to end.
func printedInstructions(t *testing.T, stdout io.Reader) string {
	t.Helper()
	var said strings.Builder
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			return said.String()
		}
	}
	t.Fatalf("the demo ended without instructions: %s", &said)
	return ""
}

// checkPeers finds the demo by its entrypoint, in another process.
func checkPeers(t *testing.T, said, url string, full snapshot.Name) {
	t.Helper()
	command := regexp.MustCompile(`peers --entrypoint [0-9.:]+`).FindString(said)
	if command == "" {
		t.Fatalf("no word of peers in %s", said)
	}
	out, err := exec.Command("solsnap", append(strings.Fields(command), "--json")...).Output()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	var rows []struct {
		RPC               string
		Full, Incremental struct {
			Slot snapshot.Slot
			Hash string
		}
	}
	if err := json.Unmarshal(out, &rows); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(rows) != 1 || "http://"+rows[0].RPC != url || rows[0].Full.Slot != full.Slot || rows[0].Full.Hash != full.Hash.String() || rows[0].Incremental.Slot <= full.Slot {
		t.Errorf("found %s, want %s with %s", out, url, full)
	}
}

// fetchWhenThere follows an alias, once the first archives have settled, and
// returns the name of what it downloaded whole.
func fetchWhenThere(t *testing.T, url string) snapshot.Name {
	t.Helper()
	deadline := time.After(15 * time.Second)
	for {
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		size, err := io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			name, nameErr := snapshot.ParseName(strings.TrimPrefix(response.Request.URL.Path, "/"))
			if err != nil || nameErr != nil || size != response.ContentLength {
				t.Errorf("%s: %d of %d bytes, %v, %v", url, size, response.ContentLength, err, nameErr)
			}
			return name
		}
		select {
		case <-deadline:
			t.Fatalf("%s still answers %s", url, response.Status)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, response.Status, err)
	}
	return string(body)
}

func checkHighest(t *testing.T, url string, full, incremental snapshot.Slot) {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"getHighestSnapshotSlot"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Result struct{ Full, Incremental snapshot.Slot }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Result.Full != full || answer.Result.Incremental != incremental {
		t.Errorf("getHighestSnapshotSlot says %+v, the aliases %d and %d", answer.Result, full, incremental)
	}
}
