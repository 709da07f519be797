package api

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"solsnap/middleware"
	"solsnap/snapshot"
)

// catalogue is the answer of /v1/snapshots.
type catalogue struct {
	ServedPair *servedPair `json:"servedPair"`
	Snapshots  []entry     `json:"snapshots"`
}

// servedPair names the pair that redirects lead to.
type servedPair struct {
	Full        string  `json:"full"`
	Incremental *string `json:"incremental"`
}

// entry is an archive in the catalogue.
type entry struct {
	Name     string         `json:"name"`
	Kind     string         `json:"kind"`
	Slot     snapshot.Slot  `json:"slot"`
	Base     *snapshot.Slot `json:"base"`
	Hash     snapshot.Hash  `json:"hash"`
	Format   string         `json:"format"`
	Size     int64          `json:"size"`
	Modified time.Time      `json:"modified"`
	ETag     string         `json:"etag"` // that of the download
	URL      string         `json:"url"`
	Served   bool           `json:"served"` // a member of the served pair
	SHA256   *string        `json:"sha256"` // null until computed
}

// listSnapshots answers every listed archive, highest slot first.
func (s *Server) listSnapshots(w http.ResponseWriter, r *http.Request) {
	body, err := json.Marshal(s.catalogue())
	if err != nil {
		s.fail(w, r, fmt.Errorf("encode the catalogue: %w", err))
		return
	}
	body = append(body, '\n')
	if !notModified(w, r, etagOf(body)) {
		writeBody(w, http.StatusOK, "application/json", body)
	}
}

func (s *Server) catalogue() catalogue {
	pair, served := s.cfg.Archives.Served()
	archives := slices.SortedFunc(slices.Values(s.cfg.Archives.Archives()), newestFirst)
	c := catalogue{Snapshots: make([]entry, len(archives))}
	if served {
		c.ServedPair = nameServed(&pair)
	}
	for i, a := range archives {
		digest, known := s.cfg.Digests.Lookup(a)
		c.Snapshots[i] = describe(a, served && inPair(pair, a.Name), digest, known)
	}
	return c
}

// nameServed names the members of a pair; nil for none.
func nameServed(p *snapshot.Pair) *servedPair {
	if p == nil {
		return nil
	}
	names := servedPair{Full: p.Full.Name.String()}
	if p.Incremental != nil {
		incremental := p.Incremental.Name.String()
		names.Incremental = &incremental
	}
	return &names
}

// newestFirst orders archives by slot, the highest first. Equal slots are
// ordered by name, so that the answer does not change from one to the next.
func newestFirst(a, b snapshot.Archive) int {
	if a.Name.Slot != b.Name.Slot {
		return cmp.Compare(b.Name.Slot, a.Name.Slot)
	}
	return cmp.Compare(a.Name.String(), b.Name.String())
}

func inPair(p snapshot.Pair, n snapshot.Name) bool {
	return p.Full.Name == n || p.Incremental != nil && p.Incremental.Name == n
}

func describe(a snapshot.Archive, served bool, digest snapshot.Digest, known bool) entry {
	name := a.Name.String()
	e := entry{
		Name:     name,
		Kind:     a.Name.Kind.String(),
		Slot:     a.Name.Slot,
		Hash:     a.Name.Hash,
		Format:   a.Name.Format.String(),
		Size:     a.Size,
		Modified: a.ModTime.UTC(),
		ETag:     middleware.ETag(a.Size, a.ModTime),
		URL:      "/" + name,
		Served:   served,
	}
	if a.Name.Kind == snapshot.Incremental {
		base := a.Name.Base
		e.Base = &base
	}
	if known {
		sum := hex.EncodeToString(digest.SHA256[:])
		e.SHA256 = &sum
	}
	return e
}

// describeSnapshot answers one archive: its entry of the catalogue and the
// digests of its chunks.
func (s *Server) describeSnapshot(w http.ResponseWriter, r *http.Request) {
	archive, err := s.lookup(chi.URLParam(r, "name"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	pair, served := s.cfg.Archives.Served()
	digest, known := s.cfg.Digests.Lookup(archive)
	head, err := json.Marshal(describe(archive, served && inPair(pair, archive.Name), digest, known))
	if err != nil {
		s.fail(w, r, fmt.Errorf("encode %s: %w", archive.Name, err))
		return
	}
	// The entry holds the digest of the whole file, which fixes those of its
	// chunks: so its tag is enough, and a 304 costs no long list.
	if !notModified(w, r, etagOf(head)) {
		writeBody(w, http.StatusOK, "application/json", appendChunks(head, digest.Chunks, known))
	}
}

func (s *Server) lookup(name string) (snapshot.Archive, error) {
	parsed, err := snapshot.ParseName(name)
	if err != nil {
		return snapshot.Archive{}, err
	}
	archive, ok := s.cfg.Archives.Lookup(parsed)
	if !ok {
		return snapshot.Archive{}, fmt.Errorf("archive %s: %w", parsed, fs.ErrNotExist)
	}
	return archive, nil
}

// appendChunks puts chunkSize and chunks into the JSON object head. An archive of
// 100 GiB has 6,400 chunks: encoding/json would make two allocations for each,
// this makes one for all.
func appendChunks(head []byte, chunks [][32]byte, known bool) []byte {
	const perChunk, rest = 2*32 + len(`"",`), 64
	body := make([]byte, 0, len(head)+len(chunks)*perChunk+rest)
	body = append(body, head[:len(head)-len(`}`)]...)
	body = append(body, `,"chunkSize":`...)
	body = strconv.AppendInt(body, snapshot.ChunkSize, 10)
	if !known {
		return append(body, `,"chunks":null}`+"\n"...)
	}
	body = append(body, `,"chunks":[`...)
	for i, sum := range chunks {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, '"')
		body = hex.AppendEncode(body, sum[:])
		body = append(body, '"')
	}
	return append(body, "]}\n"...)
}
