package archive

import (
	"os"
	"path/filepath"
	"testing"
)

// fixture reads a file of the collection that is kept beside the repository,
// and skips the test where there is none.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../shared/fixtures/snapshots", name))
	if os.IsNotExist(err) {
		t.Skipf("no fixture %s beside the repository", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}
