package main

import (
	"log/slog"
	"net/netip"
	"time"

	"solsnap/gossip"
	"solsnap/gossip/wire"
	"solsnap/snapshot"
)

// Config is what the flags, the environment and the file together ask for,
// checked and complete. It is a value: a reload makes another.
type Config struct {
	// Ledger holds the genesis, and the archives unless the next ones say
	// otherwise.
	Ledger string
	// Snapshots is the default of FullDir and IncrementalDir.
	Snapshots      string
	FullDir        string
	IncrementalDir string
	// StateDir is where the program keeps what it makes: its identity, a built
	// genesis archive, digests, the contact infos of gossip.
	StateDir string
	// Identity is a Solana keypair file. Empty means identity.json in StateDir,
	// made when it is missing.
	Identity string

	BindAddresses []netip.Addr
	// RPCBindAddresses are what is listened on: loopback alone when PrivateRPC.
	RPCBindAddresses []netip.Addr
	RPCPort          uint16 // 0 takes a free port
	PrivateRPC       bool

	// TLSCert and TLSKey are PEM files. Both are empty when TLS is off.
	TLSCert, TLSKey string
	TLSPort         uint16 // 0 takes a free port

	// ExpectedGenesisHash is nil when any genesis will do.
	ExpectedGenesisHash *snapshot.Hash
	// PairGrace is how long a new full archive waits for an incremental on it. 0
	// is what Agave does: it does not wait.
	PairGrace time.Duration
	// Hold is how long the last served pairs stay readable after the validator
	// purged them. 0 is off.
	Hold           time.Duration
	RescanInterval time.Duration
	// DigestRate is in bytes a second. 0 computes no digests.
	DigestRate ByteSize

	HealthCheckSlotDistance uint64
	// HealthStatusCodes makes /health answer 503 unless it says ok.
	HealthStatusCodes     bool
	RPCMaxRequestBodySize ByteSize
	RPCMaxBatchSize       int

	// UpstreamRPC may hold an access key in its path: it must not be printed or
	// logged. Empty means that there is none.
	UpstreamRPC string
	// UpstreamRPCMethods is empty for the default set of package rpc.
	UpstreamRPCMethods []string
	UpstreamRPCTimeout time.Duration
	// UpstreamRPCClientRate is in calls a second from each client address.
	UpstreamRPCClientRate float64

	// GossipPort is where gossip listens, on the first IPv4 address of
	// BindAddresses.
	GossipPort GossipPort
	// GossipHost, an address or a name, is what others reach this node by. Empty is
	// for gossip to find out, unless it listens on one address.
	GossipHost  string
	Entrypoints []string // HOST:PORT
	// ExpectedShredVersion is 0 when the entrypoints say it or, without any, the
	// served archive.
	ExpectedShredVersion uint16
	AllowPrivateAddr     bool
	// PublicRPCAddress is HOST:PORT. Empty is the gossip host with the bound port.
	PublicRPCAddress string
	KnownValidators  []wire.Pubkey
	// WithdrawAt and ReturnAt are loads, see node.load.
	WithdrawAt, ReturnAt float64
	// DuplicateInstanceFatal ends the program when another one takes over the
	// identity. Otherwise gossip alone ends.
	DuplicateInstanceFatal bool
	GossipMode             gossip.Mode
	GossipAnnounceInterval time.Duration
	// GossipPullRate is in bytes a second; 0 is as Agave.
	GossipPullRate                 ByteSize
	GossipPingRate, GossipPongRate int // a second; pongs to one address
	GossipMaxNodes                 int

	// MaxConnections is for all clients together; the limits for one, and
	// MaxDownloads, are no limit when 0.
	MaxConnections, MaxConnectionsPerClient int
	MaxDownloads, MaxDownloadsPerClient     int
	// DownloadRate is for each download and TotalDownloadRate for all together,
	// in bytes a second; 0 is no limit.
	DownloadRate, TotalDownloadRate ByteSize
	// MinimumProgressRate is what a download must reach over each
	// MinimumProgressWindow to live on, in bytes a second; 0 lets it stall.
	MinimumProgressRate      ByteSize
	MinimumProgressWindow    time.Duration
	DrainDelay, DrainTimeout time.Duration

	// AdminAddress is invalid when there is no admin listener.
	AdminAddress netip.AddrPort
	// AdminTokenFile holds the token that admin requests must carry. Empty asks
	// for none.
	AdminTokenFile string

	AccessLog string // "downloads", "all" or "off"
	LogFormat string // "text" or "json"
	LogLevel  slog.Level
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// defaultConfig is what holds with no flag, environment or file, but for the
// state directory, which depends on the host.
func defaultConfig() Config {
	var c Config
	for _, s := range settings {
		if err := s.value(&c).Set(s.def); err != nil {
			panic("default of " + s.name + ": " + err.Error()) // the table is wrong, not the host
		}
	}
	c.resolve()
	return c
}

// resolve fills in the settings whose default is another setting.
func (c *Config) resolve() {
	inherit(&c.Snapshots, c.Ledger)
	inherit(&c.FullDir, c.Snapshots)
	inherit(&c.IncrementalDir, c.Snapshots)
	if len(c.RPCBindAddresses) > 0 {
		return
	}
	c.RPCBindAddresses = c.BindAddresses
	if c.PrivateRPC {
		c.RPCBindAddresses = []netip.Addr{loopback}
	}
}

func inherit(field *string, from string) {
	if *field == "" {
		*field = from
	}
}
