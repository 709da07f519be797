package solsnap_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "solsnap"

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath   string
	Imports      []string
	Deps         []string // Imports, and theirs, and so on
	TestImports  []string
	XTestImports []string
}

// arrows is the plan of the house: which of our own packages each package may
// import, and why no others. Arrows point down only. cmd may import everything
// and is imported by nothing.
var arrows = map[string]struct {
	may []string
	why string
}{
	"":                          {nil, "the root package is the contract and nothing else"},
	"snapshot":                  {[]string{"snapshot/durable"}, "snapshot is the vocabulary that everything shares; it is a leaf so that nothing comes with it"},
	"snapshot/durable":          {nil, "durable is one mechanism, and knows nothing of what it writes"},
	"snapshot/archive":          {[]string{"snapshot", "snapshot/archive/lthash", "snapshot/archive/manifest", "snapshot/durable"}, "what is inside an archive does not depend on where it came from or who asks"},
	"snapshot/archive/lthash":   {nil, "the lattice hash is pure: accounts in, 2048 bytes out"},
	"snapshot/archive/manifest": {[]string{"snapshot"}, "the codec is pure: it should be worth importing by whoever has a manifest, wherever from"},
	"snapshot/fetch":            {[]string{"snapshot", "snapshot/durable"}, "a download goes from URL to pending file; choosing the URL and judging the bytes are the mirror's"},
	"snapshot/mirror": {[]string{"snapshot", "snapshot/archive", "snapshot/fetch", "gossip/discovery", "gossip/wire"},
		"the mirror is handed a directory, whose entries are made of wire's plain values, and a store; it must run without a gossip node or a server, as in its tests"},
	"gossip/wire":      {nil, "the codec is pure: bytes in, messages out"},
	"gossip/crds":      {[]string{"gossip/wire"}, "the table is a data structure; the node feeds it"},
	"gossip":           {[]string{"gossip/crds", "gossip/wire"}, "gossip should be worth importing by a stranger who only wants a Solana gossip client"},
	"gossip/discovery": {[]string{"gossip", "gossip/wire"}, "the directory of peers knows nothing of what they serve or who asks"},
	"gossip/origin": {[]string{"snapshot", "gossip/wire", "gossip/discovery"},
		"it asks servers for archives by name, of which there is one grammar; what it finds goes into the directory and nowhere else"},
	"gossip/keyset":  {[]string{"gossip", "gossip/wire"}, "who is trusted is decided without knowing for what"},
	"gossip/peerset": {[]string{"gossip", "gossip/wire"}, "who is allowed is decided without knowing for what"},
	"rpc": {[]string{"snapshot", "snapshot/archive/manifest", "gossip"},
		"rpc is one http.Handler that is handed a bank's manifest; where that comes from, and what goes around the handler, is not its business"},
	"middleware": {[]string{"snapshot"}, "a middleware wraps any handler; one that knows its handler is a part of it"},
	"api":        {[]string{"middleware", "snapshot", "gossip"}, "api takes JSON-RPC as an http.Handler and the catalogue as an interface; cmd brings them"},
}

// ban keeps an import out of the packages that match. A pattern ending in
// "/..." matches what is below it too.
type ban struct {
	from, imports string
	how           reach
	why           string
}

// reach is how far a ban looks.
type reach int

const (
	directly reach = iota // in the package's own files
	anywhere              // in all it depends on
	testsToo              // and in its tests
)

var bans = []ban{
	{"snapshot", "net/http", anywhere, "the vocabulary is for programs that have no HTTP, too"},
	{"snapshot", "github.com/klauspost/compress/...", anywhere, "zstd is heavy, and what is inside an archive is snapshot/archive's"},
	{"snapshot", "github.com/pierrec/lz4/...", anywhere, "so is lz4"},
	{"snapshot", "github.com/prometheus/...", anywhere, "the store hands out numbers; who shows them is not its business"},
	{"snapshot/archive", "net/http", anywhere, "an archive is read from an io.Reader, wherever that leads"},
	{"snapshot/archive/manifest", "os", directly, "the codec is pure; whoever has a file hands over an io.Reader"},
	{"snapshot/archive/manifest", "net/...", directly, "the codec is pure; whoever has a connection hands over an io.Reader"},
	{"snapshot/archive/manifest", "log/...", directly, "the codec is pure; it returns errors"},
	{"snapshot/archive/manifest", "github.com/klauspost/compress/...", anywhere, "zstd is heavy, and around the manifest, not in it"},
	{"gossip/wire", "net", directly, "the codec is pure; sockets are the node's"},
	{"gossip/wire", "time", directly, "the codec is pure; wallclocks are numbers in messages"},
	{"gossip/wire", "log/...", directly, "the codec is pure; it returns errors"},
	{"gossip/wire", "os", directly, "the codec is pure; whoever has a file hands over its bytes"},
	{"gossip/wire", "crypto/rand", directly, "the codec is pure; random numbers are the caller's"},
	{"gossip/crds", "net", directly, "the table is a data structure; sockets are the node's"},
	{"gossip/crds", "log/...", directly, "the table is a data structure; it returns what happened"},
	{"gossip", "net/http", anywhere, "gossip is UDP; whoever wants a gossip client should not get a web server"},

	{module + "/...", "github.com/gorilla/rpc/v2/json", testsToo, "its codec ends the process (log.Fatal) when a client hangs up; ours stands on v2/json2"},
	{module + "/...", "github.com/gorilla/rpc/v2/protorpc", testsToo, "its codec ends the process (log.Fatal) when a client hangs up; ours stands on v2/json2"},
	{module + "/...", "github.com/getkin/kin-openapi/...", anywhere, forTests},
	{module + "/...", "github.com/google/go-cmp/...", anywhere, forTests},
	{module + "/...", "github.com/rogpeppe/go-internal/...", anywhere, forTests},
	{module + "/...", "go.uber.org/goleak/...", anywhere, forTests},
	{module + "/...", "pgregory.net/rapid/...", anywhere, forTests},
	{module + "/...", "testing/...", anywhere, forTests},
}

const forTests = "it is for tests; the program must not carry it"

// TestImports holds every package against the plan.
func TestImports(t *testing.T) {
	for _, fault := range faults(listPackages(t)) {
		t.Error(fault)
	}
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	lookAtSources(t)
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps,TestImports,XTestImports", "./...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var packages []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// lookAtSources stats every source file, by which go test knows that a cached
// result is stale. What the go command reads for us it cannot see.
func lookAtSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		_, err = os.Stat(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// faults are the unwelcome imports, each with the reason.
func faults(packages []listed) []string {
	var found []string
	for _, p := range packages {
		found = append(found, crossed(p)...)
		for _, b := range bans {
			found = append(found, b.broken(p)...)
		}
	}
	return found
}

// crossed are the imports of our own packages that are no arrow of the plan.
func crossed(p listed) []string {
	name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
	if strings.HasPrefix(name, "cmd/") || strings.HasPrefix(name, "testdata") {
		return nil
	}
	row, planned := arrows[name]
	if !planned {
		return []string{fmt.Sprintf("package %s is not in the plan: say in arrows what it may import, and why nothing else", p.ImportPath)}
	}
	var found []string
	for _, path := range p.Imports {
		to, ours := strings.CutPrefix(path, module+"/")
		if (ours || path == module) && !slices.Contains(row.may, to) {
			found = append(found, fmt.Sprintf("%s must not import %s: %s", p.ImportPath, path, row.why))
		}
	}
	return found
}

// broken are the imports of p that b keeps out.
func (b ban) broken(p listed) []string {
	if !matches(b.from, p.ImportPath) && !matches(module+"/"+b.from, p.ImportPath) {
		return nil
	}
	paths, verb := p.Imports, "import"
	switch b.how {
	case anywhere:
		paths, verb = p.Deps, "depend on"
	case testsToo:
		paths, verb = slices.Concat(p.Deps, p.TestImports, p.XTestImports), "depend on"
	}
	var found []string
	for _, path := range paths {
		if matches(b.imports, path) {
			found = append(found, fmt.Sprintf("%s must not %s %s: %s", p.ImportPath, verb, path, b.why))
		}
	}
	return found
}

func matches(pattern, path string) bool {
	parent, below := strings.CutSuffix(pattern, "/...")
	return path == parent || below && strings.HasPrefix(path, parent+"/")
}

// TestImportsAreJudged shows that the test above can fail.
func TestImportsAreJudged(t *testing.T) {
	for name, tt := range map[string]struct {
		pkg  listed
		want string // a part of the only fault; "" for none
	}{
		"arrow down":           {listed{ImportPath: "solsnap/api", Imports: []string{"solsnap/middleware", "net/http"}}, ""},
		"arrow across":         {listed{ImportPath: "solsnap/api", Imports: []string{"solsnap/rpc"}}, "takes JSON-RPC as an http.Handler"},
		"arrow up":             {listed{ImportPath: "solsnap/snapshot", Imports: []string{"solsnap/api"}}, "it is a leaf"},
		"leaves meet":          {listed{ImportPath: "solsnap/gossip", Imports: []string{"solsnap/snapshot"}}, "by a stranger"},
		"cmd imports all":      {listed{ImportPath: "solsnap/cmd/solsnap", Imports: []string{"solsnap/api", "solsnap/rpc", "solsnap"}}, ""},
		"cmd is imported":      {listed{ImportPath: "solsnap/rpc", Imports: []string{"solsnap/cmd/solsnap"}}, "one http.Handler"},
		"root is imported":     {listed{ImportPath: "solsnap/api", Imports: []string{"solsnap"}}, "cmd brings them"},
		"unplanned":            {listed{ImportPath: "solsnap/util"}, "not in the plan"},
		"deep HTTP":            {listed{ImportPath: "solsnap/snapshot", Deps: []string{"net/http"}}, "must not depend on net/http"},
		"clock in the codec":   {listed{ImportPath: "solsnap/gossip/wire", Imports: []string{"time"}}, "must not import time"},
		"clock below codec":    {listed{ImportPath: "solsnap/gossip/wire", Deps: []string{"time", "net/netip"}}, ""},
		"logger in the table":  {listed{ImportPath: "solsnap/gossip/crds", Imports: []string{"log/slog"}}, "must not import log/slog"},
		"gorilla json in test": {listed{ImportPath: "solsnap/rpc", TestImports: []string{"github.com/gorilla/rpc/v2/json"}}, "ends the process"},
		"gorilla json2":        {listed{ImportPath: "solsnap/rpc", Deps: []string{"github.com/gorilla/rpc/v2/json2"}}, ""},
		"gorilla protorpc":     {listed{ImportPath: "solsnap/cmd/solsnap", Deps: []string{"github.com/gorilla/rpc/v2/protorpc"}}, "ends the process"},
		"test module":          {listed{ImportPath: "solsnap/rpc", Deps: []string{"go.uber.org/goleak/internal/stack"}}, "for tests"},
		"test module in test":  {listed{ImportPath: "solsnap/rpc", TestImports: []string{"go.uber.org/goleak"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := faults([]listed{tt.pkg})
			if tt.want == "" && len(got) > 0 {
				t.Errorf("got %q, want no fault", got)
			}
			if tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
				t.Errorf("got %q, want one fault with %q", got, tt.want)
			}
		})
	}
}
