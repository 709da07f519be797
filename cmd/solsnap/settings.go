package main

import (
	"math"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// setting is one thing that a person can set: as --name, as SOLSNAP_NAME, or as
// a key of the configuration file. The flags, the environment, the file and the
// table in the README all come from this one.
type setting struct {
	name string
	def  string // as it would be typed
	// derived says in words what the default is where def cannot.
	derived string
	usage   string
	// reload tells that SIGHUP puts a new value in force without a restart.
	reload bool
	value  func(*Config) pflag.Value
}

// env is the environment variable of the setting.
func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

const envPrefix = "SOLSNAP_"

// derivedStateDir is a constant so that its three places are named once, in the
// order in which they are tried.
const derivedStateDir = "$STATE_DIRECTORY, else $XDG_STATE_HOME/solsnap, else ~/.local/state/solsnap"

// settings are in the order in which people meet them. Names are Agave's where
// Agave has one.
var settings = []setting{
	// Where things are.
	{name: "ledger", def: "ledger", usage: "directory with genesis.tar.bz2 or genesis.bin, and the archives unless --snapshots says otherwise",
		value: func(c *Config) pflag.Value { return textValue(&c.Ledger, "dir") }},
	{name: "snapshots", derived: "= ledger", usage: "directory with the archives",
		value: func(c *Config) pflag.Value { return textValue(&c.Snapshots, "dir") }},
	{name: "full-snapshot-archive-path", derived: "= snapshots", usage: "directory with the full archives",
		value: func(c *Config) pflag.Value { return textValue(&c.FullDir, "dir") }},
	{name: "incremental-snapshot-archive-path", derived: "= snapshots", usage: "directory with the incremental archives",
		value: func(c *Config) pflag.Value { return textValue(&c.IncrementalDir, "dir") }},
	{name: "state-dir", derived: derivedStateDir, usage: "directory for what solsnap makes itself: identity, genesis archive, digests, the nodes that gossip knows",
		value: func(c *Config) pflag.Value { return textValue(&c.StateDir, "dir") }},
	{name: "identity", derived: "identity.json in state-dir, made when missing", usage: "Solana keypair file that identifies this node",
		value: func(c *Config) pflag.Value { return textValue(&c.Identity, "file") }},

	// Where it listens.
	{name: "bind-address", def: "0.0.0.0", usage: "addresses to listen on; repeat, or separate with commas",
		value: func(c *Config) pflag.Value { return addressList(&c.BindAddresses) }},
	{name: "rpc-port", def: "8899", usage: "TCP port for snapshots and JSON-RPC; 0 takes a free one",
		value: func(c *Config) pflag.Value { return portValue(&c.RPCPort) }},
	{name: "rpc-bind-address", derived: "= bind-address, or 127.0.0.1 with private-rpc", usage: "addresses for rpc-port, where they differ",
		value: func(c *Config) pflag.Value { return addressList(&c.RPCBindAddresses) }},
	{name: "private-rpc", def: "false", usage: "listen on 127.0.0.1 alone, and do not advertise it",
		value: func(c *Config) pflag.Value { return boolValue(&c.PrivateRPC) }},
	{name: "tls-cert", usage: "PEM file with the certificate chain; turns TLS on, beside plaintext",
		value: func(c *Config) pflag.Value { return textValue(&c.TLSCert, "file") }},
	{name: "tls-key", usage: "PEM file with the certificate's private key",
		value: func(c *Config) pflag.Value { return textValue(&c.TLSKey, "file") }},
	{name: "tls-port", def: "8443", usage: "TCP port for TLS, when there is a tls-cert; 0 takes a free one",
		value: func(c *Config) pflag.Value { return portValue(&c.TLSPort) }},
	{name: "admin-address", def: "127.0.0.1:8898", usage: "address and port for metrics, profiles and status; off for none; needs admin-token-file unless loopback",
		value: func(c *Config) pflag.Value { return addrPortValue(&c.AdminAddress) }},
	{name: "admin-token-file", usage: "file with the bearer token that admin requests must carry",
		value: func(c *Config) pflag.Value { return textValue(&c.AdminTokenFile, "file") }},

	// What it serves.
	{name: "expected-genesis-hash", usage: "refuse to serve a genesis with another hash",
		value: func(c *Config) pflag.Value { return hashValue(&c.ExpectedGenesisHash) }},
	{name: "pair-grace", def: "10m", usage: "how long the previous pair stays served while a new full archive has no incremental; 0 does as Agave",
		value: func(c *Config) pflag.Value { return durationValue(&c.PairGrace, 0, 24*time.Hour) }},
	{name: "hold", def: "0s", usage: "how long purged archives of the last served pairs stay readable, keeping their disk space; 0 is off",
		value: func(c *Config) pflag.Value { return durationValue(&c.Hold, 0, 7*24*time.Hour) }},
	{name: "rescan-interval", def: "10s", usage: "how often the directories are read even when nothing was heard from them",
		value: func(c *Config) pflag.Value { return durationValue(&c.RescanInterval, time.Second, time.Hour) }},
	{name: "digest-rate", def: "100MiB", usage: "bytes a second to read in the background for digests; 0 computes none",
		value: func(c *Config) pflag.Value { return bytesValue(&c.DigestRate, 0, 1<<40) }},

	// Health and JSON-RPC.
	{name: "health-check-slot-distance", def: "128", reload: true, usage: "slots that the served pair may be behind the cluster and still be healthy",
		value: func(c *Config) pflag.Value { return wholeValue(&c.HealthCheckSlotDistance, 1, math.MaxUint64) }},
	{name: "health-status-codes", def: "false", reload: true, usage: "let /health answer 503 unless it says ok; Agave answers 200 always",
		value: func(c *Config) pflag.Value { return boolValue(&c.HealthStatusCodes) }},
	{name: "rpc-max-request-body-size", def: "51200", usage: "largest JSON-RPC request",
		value: func(c *Config) pflag.Value { return bytesValue(&c.RPCMaxRequestBodySize, 1<<10, 1<<30) }},
	{name: "rpc-max-batch-size", def: "100", usage: "most calls in a JSON-RPC batch",
		value: func(c *Config) pflag.Value { return wholeValue(&c.RPCMaxBatchSize, 1, 100_000) }},
	{name: "upstream-rpc", usage: "URL of a live validator's JSON-RPC, for the methods that need one",
		value: func(c *Config) pflag.Value { return textValue(&c.UpstreamRPC, "url") }},
	{name: "upstream-rpc-methods", derived: "what wallets and bootstrapping nodes call", usage: "methods to forward to upstream-rpc; repeat, or separate with commas",
		value: func(c *Config) pflag.Value { return textList(&c.UpstreamRPCMethods, "method") }},
	{name: "upstream-rpc-timeout", def: "10s", usage: "how long to wait for upstream-rpc",
		value: func(c *Config) pflag.Value {
			return durationValue(&c.UpstreamRPCTimeout, 100*time.Millisecond, 5*time.Minute)
		}},
	{name: "upstream-rpc-client-rate", def: "50", usage: "forwarded calls a second that each client address may make; 0 is no limit",
		value: func(c *Config) pflag.Value { return rateValue(&c.UpstreamRPCClientRate, 0, 1e6) }},

	// Gossip.
	{name: "gossip-port", def: "8001", usage: "UDP and TCP port for gossip; 0 for no gossip, auto takes a free one",
		value: func(c *Config) pflag.Value { return gossipPortValue(&c.GossipPort) }},
	{name: "gossip-host", derived: "the bind-address if it names one, else what the entrypoints see, else this machine's", usage: "address or name by which others reach this node",
		value: func(c *Config) pflag.Value { return hostValue(&c.GossipHost) }},
	{name: "entrypoint", usage: "HOST:PORT of a node to join the cluster by; repeat, or separate with commas",
		value: func(c *Config) pflag.Value { return hostPortList(&c.Entrypoints) }},
	{name: "expected-shred-version", derived: "what the entrypoints say; without any, what the served archive says", usage: "the cluster's shred version",
		value: func(c *Config) pflag.Value { return shredVersionValue(&c.ExpectedShredVersion) }},
	{name: "allow-private-addr", def: "false", usage: "take private and loopback addresses for real ones, in a cluster of one's own",
		value: func(c *Config) pflag.Value { return boolValue(&c.AllowPrivateAddr) }},
	{name: "public-rpc-address", derived: "gossip-host and rpc-port", usage: "HOST:PORT to advertise for snapshots and JSON-RPC, where a proxy or NAT changes it",
		value: func(c *Config) pflag.Value { return hostPortValue(&c.PublicRPCAddress) }},
	{name: "known-validator", usage: "identities whose snapshots are believed; repeat, or separate with commas",
		value: func(c *Config) pflag.Value { return pubkeyList(&c.KnownValidators) }},
	{name: "withdraw-at", def: "0.9", usage: "load, from 0 to 1, at which gossip stops sending new nodes here; above 1 it never does",
		value: func(c *Config) pflag.Value { return rateValue(&c.WithdrawAt, 0.01, 2) }},
	{name: "return-at", def: "0.7", usage: "load below which it sends them again",
		value: func(c *Config) pflag.Value { return rateValue(&c.ReturnAt, 0.01, 2) }},
	{name: "duplicate-instance-fatal", def: "true", usage: "stop when another node with the same identity is started; else only gossip stops",
		value: func(c *Config) pflag.Value { return boolValue(&c.DuplicateInstanceFatal) }},
	{name: "gossip-mode", def: "light", usage: "light keeps who is there and what they serve; full keeps and relays all, as an entrypoint should",
		value: func(c *Config) pflag.Value { return gossipModeValue(&c.GossipMode) }},
	{name: "gossip-announce-interval", def: "10s", usage: "how often the served pair is announced when it has not changed",
		value: func(c *Config) pflag.Value {
			return durationValue(&c.GossipAnnounceInterval, time.Second, 15*time.Second)
		}},
	{name: "gossip-pull-rate", def: "0", usage: "most bytes a second for nodes that ask what is known; 0 is 10 KiB for each staked node, an entrypoint wants 2MB or more",
		value: func(c *Config) pflag.Value { return bytesValue(&c.GossipPullRate, 0, 1<<30) }},
	{name: "gossip-ping-rate", def: "1000", usage: "most pings a second to nodes that have not answered one",
		value: func(c *Config) pflag.Value { return wholeValue(&c.GossipPingRate, 1, 1_000_000) }},
	{name: "gossip-pong-rate", def: "64", usage: "most pings a second from one address that are answered",
		value: func(c *Config) pflag.Value { return wholeValue(&c.GossipPongRate, 1, 1_000_000) }},
	{name: "gossip-max-nodes", def: "8192", usage: "most nodes of the cluster that are remembered",
		value: func(c *Config) pflag.Value { return wholeValue(&c.GossipMaxNodes, 16, 1_000_000) }},

	// Limits.
	{name: "max-connections", def: "10000", usage: "most connections at a time",
		value: func(c *Config) pflag.Value { return wholeValue(&c.MaxConnections, 1, 1_000_000) }},
	{name: "max-connections-per-client", def: "1024", usage: "most connections at a time from one client address; 0 is no limit",
		value: func(c *Config) pflag.Value { return wholeValue(&c.MaxConnectionsPerClient, 0, 1_000_000) }},
	{name: "max-downloads", def: "512", reload: true, usage: "most downloads at a time; 0 is no limit",
		value: func(c *Config) pflag.Value { return wholeValue(&c.MaxDownloads, 0, 1_000_000) }},
	{name: "max-downloads-per-client", def: "32", reload: true, usage: "most downloads at a time to one client address; 0 is no limit",
		value: func(c *Config) pflag.Value { return wholeValue(&c.MaxDownloadsPerClient, 0, 1_000_000) }},
	{name: "download-rate", def: "0", reload: true, usage: "most bytes a second for each download; 0 is no limit",
		value: func(c *Config) pflag.Value { return bytesValue(&c.DownloadRate, 0, 1<<40) }},
	{name: "total-download-rate", def: "0", reload: true, usage: "most bytes a second for all downloads together; 0 is no limit",
		value: func(c *Config) pflag.Value { return bytesValue(&c.TotalDownloadRate, 0, 1<<40) }},
	{name: "minimum-progress-rate", def: "64KiB", reload: true, usage: "bytes a second that a download must reach not to be dropped; 0 drops none",
		value: func(c *Config) pflag.Value { return bytesValue(&c.MinimumProgressRate, 0, 1<<30) }},
	{name: "minimum-progress-window", def: "30s", reload: true, usage: "time over which minimum-progress-rate is measured",
		value: func(c *Config) pflag.Value { return durationValue(&c.MinimumProgressWindow, time.Second, time.Hour) }},
	{name: "drain-delay", def: "0s", usage: "how long after SIGTERM to go on taking requests, with /readyz failing, for balancers to notice",
		value: func(c *Config) pflag.Value { return durationValue(&c.DrainDelay, 0, time.Hour) }},
	{name: "drain-timeout", def: "60s", usage: "how long running downloads may go on after SIGTERM",
		value: func(c *Config) pflag.Value { return durationValue(&c.DrainTimeout, time.Millisecond, 24*time.Hour) }},

	// Logs.
	{name: "access-log", def: "downloads", reload: true, usage: "which requests to log",
		value: func(c *Config) pflag.Value { return choiceValue(&c.AccessLog, "downloads", "all", "off") }},
	{name: "log-format", def: "text", usage: "format of the log on stderr",
		value: func(c *Config) pflag.Value { return choiceValue(&c.LogFormat, "text", "json") }},
	{name: "log-level", def: "info", reload: true, usage: "least severe message to log",
		value: func(c *Config) pflag.Value { return levelValue(&c.LogLevel) }},
}

// commonSettings are flags of every command, the others of those that serve.
var commonSettings = []string{"log-format", "log-level"}

// settingNames are what a configuration file may have as keys.
func settingNames() []string {
	names := make([]string, 0, len(settings))
	for _, s := range settings {
		names = append(names, s.name)
	}
	return names
}

// addFlag makes the setting a flag. What the flag parses goes nowhere: it is
// there to refuse bad input at once, and the loader reads its text.
func (s setting) addFlag(flags *pflag.FlagSet) {
	usage := s.usage
	if s.derived != "" {
		usage += " (default " + s.derived + ")"
	}
	flag := flags.VarPF(s.value(new(Config)), s.name, "", usage)
	flag.DefValue = s.def
	if flag.Value.Type() == "bool" {
		flag.NoOptDefVal = "true"
	}
}
