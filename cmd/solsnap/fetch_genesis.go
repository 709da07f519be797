package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
	"solsnap/snapshot/durable"
	"solsnap/snapshot/fetch"
	"solsnap/snapshot/mirror"
)

// errOtherSource means that a source is of another cluster, and to choose anew.
var errOtherSource = errors.New("a source has another cluster's genesis")

// genesis makes sure, once, that the ledger directory has the genesis that is
// expected: genesis.tar.bz2 as it was served and genesis.bin beside it, as Agave
// leaves them (genesis-utils, download_then_check_genesis_hash). A source that has
// another is not asked for anything more.
func (f *fetcher) genesis(ctx context.Context, plan *mirror.Plan) error {
	if f.genesisDone || f.output != "" {
		return nil
	}
	hash, path, err := f.localGenesis()
	if err == nil {
		f.genesisDone = true
		f.result.Genesis = &fetchedGenesis{Path: path, Hash: hash, Reused: true}
		return f.checkLocalGenesis(hash, path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fetchErrorf(diskTrouble, "genesis: %w; remove it, or give another --ledger", err)
	}
	return f.askGenesis(ctx, plan)
}

// localGenesis is what a validator would find.
func (f *fetcher) localGenesis() (hash snapshot.Hash, path string, _ error) {
	path = filepath.Join(f.config.Ledger, "genesis.tar.bz2")
	content, err := os.ReadFile(path)
	if err == nil {
		content, err = archive.ReadGenesisArchive(bytes.NewReader(content))
	} else if errors.Is(err, fs.ErrNotExist) {
		path = filepath.Join(f.config.Ledger, "genesis.bin")
		content, err = os.ReadFile(path)
	}
	if err != nil {
		return hash, path, fmt.Errorf("%s: %w", path, err)
	}
	return archive.GenesisHash(content), path, nil
}

func (f *fetcher) checkLocalGenesis(hash snapshot.Hash, path string) error {
	if want := f.config.ExpectedGenesisHash; want != nil && *want != hash {
		return fetchErrorf(verification, "genesis hash of %s is %s, but --expected-genesis-hash is %s; give another --ledger", path, hash, *want)
	}
	return nil
}

// askGenesis asks the sources of a plan, one after the other. Not all servers have
// it.
func (f *fetcher) askGenesis(ctx context.Context, plan *mirror.Plan) error {
	sources := plan.Full.Sources
	if plan.Incremental != nil {
		sources = append(sources[:len(sources):len(sources)], plan.Incremental.Sources...)
	}
	const most = 8
	asked := map[string]bool{}
	for _, source := range sources {
		if asked[source.URL] || len(asked) == most {
			continue
		}
		asked[source.URL] = true
		packed, bin, err := f.downloadGenesis(ctx, source.URL)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			f.log.Debug("no genesis from source", "url", source.URL, "err", err)
			continue
		}
		if err := f.takeGenesis(source.URL, packed, bin); err != nil || f.genesisDone {
			return err
		}
		return errOtherSource
	}
	return f.withoutGenesis(len(asked))
}

// withoutGenesis is no failure unless one is expected: who has a validator has it.
func (f *fetcher) withoutGenesis(asked int) error {
	if asked == 0 {
		return nil // nothing is to be downloaded
	}
	f.genesisDone = true
	if f.config.ExpectedGenesisHash != nil {
		return fetchErrorf(noSource, "no source has the genesis that --expected-genesis-hash is of; put genesis.tar.bz2 into %s, or leave the flag out", f.config.Ledger)
	}
	f.log.Warn("no source has the genesis; a validator will need it", "path", f.config.Ledger)
	return nil
}

const genesisLimit = 12 << 20 // more than 10 MiB packs to

func (f *fetcher) downloadGenesis(parent context.Context, url string) (packed, bin []byte, _ error) {
	ctx, cancel := context.WithTimeout(parent, knockTimeout*4)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/genesis.tar.bz2", nil)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", "solsnap")
	response, err := f.transport.RoundTrip(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("answered %s", response.Status)
	}
	if packed, err = io.ReadAll(io.LimitReader(response.Body, genesisLimit+1)); err != nil {
		return nil, nil, err
	}
	if len(packed) > genesisLimit {
		return nil, nil, fmt.Errorf("it has more than %d bytes", genesisLimit)
	}
	bin, err = archive.ReadGenesisArchive(bytes.NewReader(packed))
	return packed, bin, err
}

// takeGenesis writes it, unless it is another one than is expected: then the source
// is out.
func (f *fetcher) takeGenesis(url string, packed, bin []byte) error {
	hash := archive.GenesisHash(bin)
	if want := f.config.ExpectedGenesisHash; want != nil && *want != hash {
		err := fmt.Errorf("%w: its genesis hash is %s, expected is %s", fetch.ErrVerification, hash, *want)
		f.log.Warn("source is of another cluster", "url", url, "hash", hash)
		f.failed = append(f.failed, mirror.Failure{URL: url, Err: err})
		f.remember(fmt.Errorf("%s: %w", url, err))
		return nil
	}
	path := filepath.Join(f.config.Ledger, "genesis.tar.bz2")
	err := os.MkdirAll(f.config.Ledger, 0o755)
	for _, file := range []struct {
		name    string
		content []byte
	}{{"genesis.bin", bin}, {"genesis.tar.bz2", packed}} {
		if err == nil {
			err = durable.WriteFile(filepath.Join(f.config.Ledger, file.name), 0o644, func(w io.Writer) error {
				_, err := w.Write(file.content)
				return err
			})
		}
	}
	if err != nil {
		return fetchErrorf(diskTrouble, "write genesis to %s: %w", f.config.Ledger, err)
	}
	f.genesisDone = true
	f.result.Genesis = &fetchedGenesis{Path: path, Hash: hash}
	if f.config.ExpectedGenesisHash == nil {
		f.log.Warn("genesis is believed as it came; --expected-genesis-hash would check it", "hash", hash, "url", url)
	}
	return nil
}
