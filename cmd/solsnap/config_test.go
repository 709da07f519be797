package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"
)

// servingFlags are the flags of serve, parsed from args.
func servingFlags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags.String("config", "", "")
	for _, s := range settings {
		s.addFlag(flags)
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags
}

// isolate hides the settings and the home of whoever runs the test.
func isolate(t *testing.T) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, envPrefix) {
			t.Setenv(name, "")
		}
	}
	t.Setenv("STATE_DIRECTORY", "/var/lib/solsnap")
}

func load(t *testing.T, args ...string) Config {
	t.Helper()
	c, err := loadConfig(servingFlags(t, args...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func configText(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "solsnap.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var compareConfigs = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
	cmpopts.EquateEmpty(),
}

func TestLoadConfigDefaults(t *testing.T) {
	isolate(t)
	want := Config{
		Ledger: "ledger", Snapshots: "ledger", FullDir: "ledger", IncrementalDir: "ledger",
		StateDir:                "/var/lib/solsnap",
		BindAddresses:           []netip.Addr{netip.IPv4Unspecified()},
		RPCBindAddresses:        []netip.Addr{netip.IPv4Unspecified()},
		RPCPort:                 8899,
		TLSPort:                 8443,
		AdminAddress:            netip.MustParseAddrPort("127.0.0.1:8898"),
		PairGrace:               10 * time.Minute,
		RescanInterval:          10 * time.Second,
		DigestRate:              100 << 20,
		HealthCheckSlotDistance: 128,
		RPCMaxRequestBodySize:   51200,
		RPCMaxBatchSize:         100,
		UpstreamRPCTimeout:      10 * time.Second,
		UpstreamRPCClientRate:   50,
		GossipPort:              8001,
		WithdrawAt:              0.9, ReturnAt: 0.7,
		DuplicateInstanceFatal: true,
		GossipAnnounceInterval: 10 * time.Second,
		GossipPingRate:         1000, GossipPongRate: 64, GossipMaxNodes: 8192,
		MaxConnections: 10000, MaxConnectionsPerClient: 1024,
		MaxDownloads:          512,
		MaxDownloadsPerClient: 32,
		MinimumProgressRate:   64 << 10,
		MinimumProgressWindow: 30 * time.Second,
		DrainTimeout:          time.Minute,
		AccessLog:             "downloads",
		LogFormat:             "text",
	}
	if diff := cmp.Diff(want, load(t), compareConfigs); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestLoadConfigPrecedence(t *testing.T) {
	isolate(t)
	file := configText(t, "rpc-port: 1\nbind-address: [10.0.0.1, 10.0.0.2]\nprivate-rpc: true\ndownload-rate: 1MiB\n")
	for name, test := range map[string]struct {
		env  string // of rpc-port
		args []string
		want uint16
	}{
		"default":      {want: 8899},
		"file":         {args: []string{"--config", file}, want: 1},
		"environment":  {args: []string{"--config", file}, env: "2", want: 2},
		"flag":         {args: []string{"--config", file, "--rpc-port", "3"}, env: "2", want: 3},
		"flag of zero": {args: []string{"--config", file, "--rpc-port", "0"}, env: "2", want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SOLSNAP_RPC_PORT", test.env)
			if got := load(t, test.args...).RPCPort; got != test.want {
				t.Errorf("rpc-port = %d, want %d", got, test.want)
			}
		})
	}
	t.Run("a list of a flag replaces a list of the file", func(t *testing.T) {
		c := load(t, "--config", file, "--private-rpc=false", "--bind-address", "::1", "--bind-address", "127.0.0.1,127.0.0.2")
		if got := (settingNamed(t, "bind-address")).value(&c).String(); got != "::1,127.0.0.1,127.0.0.2" {
			t.Errorf("bind-address = %s", got)
		}
		if c.PrivateRPC || c.DownloadRate != 1<<20 {
			t.Errorf("private-rpc = %v, download-rate = %d", c.PrivateRPC, c.DownloadRate)
		}
	})
	t.Run("the file from the environment", func(t *testing.T) {
		t.Setenv("SOLSNAP_CONFIG", file)
		if got := load(t).RPCPort; got != 1 {
			t.Errorf("rpc-port = %d, want 1", got)
		}
	})
}

func settingNamed(t *testing.T, name string) setting {
	t.Helper()
	i := slices.IndexFunc(settings, func(s setting) bool { return s.name == name })
	if i < 0 {
		t.Fatalf("no setting %s", name)
	}
	return settings[i]
}

func TestLoadConfigInheritance(t *testing.T) {
	isolate(t)
	for name, test := range map[string]struct {
		args              []string
		full, incremental string
		listen            string
	}{
		"ledger":      {[]string{"--ledger", "l"}, "l", "l", "0.0.0.0"},
		"snapshots":   {[]string{"--ledger", "l", "--snapshots", "s"}, "s", "s", "0.0.0.0"},
		"each":        {[]string{"--snapshots", "s", "--full-snapshot-archive-path", "f"}, "f", "s", "0.0.0.0"},
		"bind":        {[]string{"--bind-address", "::1", "--gossip-port", "0"}, "ledger", "ledger", "::1"},
		"rpc bind":    {[]string{"--bind-address", "::1", "--gossip-port", "0", "--rpc-bind-address", "10.0.0.1"}, "ledger", "ledger", "10.0.0.1"},
		"private":     {[]string{"--private-rpc", "--bind-address", "10.0.0.1"}, "ledger", "ledger", "127.0.0.1"},
		"private six": {[]string{"--private-rpc", "--rpc-bind-address", "::1"}, "ledger", "ledger", "::1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := load(t, test.args...)
			if c.FullDir != test.full || c.IncrementalDir != test.incremental {
				t.Errorf("directories are %s and %s, want %s and %s", c.FullDir, c.IncrementalDir, test.full, test.incremental)
			}
			if len(c.RPCBindAddresses) != 1 || c.RPCBindAddresses[0].String() != test.listen {
				t.Errorf("listens on %v, want %s", c.RPCBindAddresses, test.listen)
			}
		})
	}
}

func TestDefaultStateDir(t *testing.T) {
	for name, test := range map[string]struct {
		env  map[string]string
		want string
	}{
		"systemd":        {map[string]string{"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "XDG_STATE_HOME": "/x", "HOME": "/h"}, "/var/lib/a"},
		"xdg":            {map[string]string{"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/solsnap"},
		"relative xdg":   {map[string]string{"XDG_STATE_HOME": "x", "HOME": "/h"}, "/h/.local/state/solsnap"},
		"home":           {map[string]string{"HOME": "/h"}, "/h/.local/state/solsnap"},
		"nothing to use": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := defaultStateDir(func(key string) string { return test.env[key] })
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestReload(t *testing.T) {
	isolate(t)
	file := configText(t, "max-downloads: 10\nlog-level: info\n")
	c, err := newConfiguration(servingFlags(t, "--config", file, "--access-log", "all"))
	if err != nil {
		t.Fatal(err)
	}
	before := c.Config()

	for _, bad := range []string{"", "max-downloads: lots\n", "max-downloads: 10\nunknown: 1\n", "max-downloads: [\n", "download-rate: 1KiB\n"} {
		rewrite(t, file, bad)
		if _, _, err := c.Reload(); err == nil {
			t.Errorf("accepted %q", bad)
		}
		if diff := cmp.Diff(before, c.Config(), compareConfigs); diff != "" {
			t.Errorf("%q changed what is in force:\n%s", bad, diff)
		}
	}

	rewrite(t, file, "max-downloads: 20\nlog-level: debug\nrpc-port: 1\naccess-log: off\n")
	after, what, err := c.Reload()
	if err != nil {
		t.Fatal(err)
	}
	want := changes{Applied: []string{"max-downloads", "log-level"}, Restart: []string{"rpc-port"}}
	if diff := cmp.Diff(want, what); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if after.MaxDownloads != 20 || after.RPCPort != 8899 || after.AccessLog != "all" {
		t.Errorf("in force: max-downloads %d, rpc-port %d, access-log %s", after.MaxDownloads, after.RPCPort, after.AccessLog)
	}
	if diff := cmp.Diff(after, c.Config(), compareConfigs); diff != "" {
		t.Errorf("Reload gives another configuration than Config:\n%s", diff)
	}

	rewrite(t, file, "rpc-port: 1\n")
	if after, _, err = c.Reload(); err != nil || after.MaxDownloads != 512 {
		t.Errorf("max-downloads = %d, %v after it left the file, want the default", after.MaxDownloads, err)
	}
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What a reload compares, and what an error prints, is a value's String. It must
// give back what was set.
func TestSettingsRoundTrip(t *testing.T) {
	var c Config
	for _, s := range settings {
		v := s.value(&c)
		if err := v.Set(s.def); err != nil {
			t.Errorf("%s: its default %q is refused: %v", s.name, s.def, err)
		}
		first := v.String()
		if err := s.value(&c).Set(first); err != nil || s.value(&c).String() != first {
			t.Errorf("%s: %q does not survive a second time: %q, %v", s.name, first, s.value(&c).String(), err)
		}
		if s.usage == "" || (s.def != "" && s.derived != "") {
			t.Errorf("%s: want a usage and not two defaults", s.name)
		}
	}
}

func TestByteSize(t *testing.T) {
	for text, want := range map[string]ByteSize{
		"0": 0, "51200": 51200, "64KiB": 64 << 10, "64 kib": 64 << 10, "10MB": 10_000_000, "1.5GiB": 3 << 29, "1TiB": 1 << 40,
	} {
		got, err := ParseByteSize(text)
		if err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
		if again, err := ParseByteSize(got.String()); err != nil || again != got {
			t.Errorf("%s prints as %s, which reads as %d, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "5XB", "1e3", "99999999999999999999", "16EiB"} {
		if got, err := ParseByteSize(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}

// TestConfigWriteTimeout: waiting for the upstream takes nothing from the time
// that the client has.
func TestConfigWriteTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		want time.Duration
	}{
		"no upstream": {Config{UpstreamRPCTimeout: 5 * time.Minute}, time.Minute},
		"upstream":    {Config{UpstreamRPC: "http://validator", UpstreamRPCTimeout: 5 * time.Minute}, 6 * time.Minute},
	} {
		if got := writeTimeout(c.cfg); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{
		"rpc-prt": "rpc-port", "RPC_PORT": "rpc-port", "ledgr": "ledger", "pairgrace": "pair-grace", "zzzzzzzz": "", "": "",
	} {
		if got := nearest(word, settingNames()); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// The README's table of configuration is written by hand and must say the same.
func TestREADMEListsEverySetting(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range settings {
		if row := readmeRow(s); !strings.Contains(string(readme), "\n"+row) {
			t.Errorf("README.md has no row that begins\n%s %s |", row, s.usage)
		}
	}
}

// readmeRow is a setting's key, its default, and whether SIGHUP changes it.
func readmeRow(s setting) string {
	def, reload := "–", "restart"
	if s.def != "" {
		def = "`" + s.def + "`"
	}
	if s.derived != "" {
		def = s.derived
	}
	if s.reload {
		reload = "reload"
	}
	return "| `" + s.name + "` | " + def + " | " + reload + " |"
}
