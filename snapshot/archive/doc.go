// Package archive knows what is inside the files that package snapshot only
// names: the genesis archive, account storages, the tar stream of a snapshot.
//
// It knows nothing of HTTP.
package archive
