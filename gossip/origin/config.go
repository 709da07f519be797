package origin

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"solsnap/gossip/discovery"
	"solsnap/gossip/wire"
)

// MaxURLs is how many origins a Prober takes: each costs a goroutine and a
// connection.
const MaxURLs = 256

// Config is what a Prober is made of. Directory and Network are required, and a zero
// field has the default that is named with it.
type Config struct {
	// Directory gets the entries. It should trust Key of each origin: those it does
	// not trust have no place when it is full.
	Directory *discovery.Directory
	// Network is that of the Directory.
	Network wire.Hash
	// URLs are base URLs, http or https, without user, query or fragment, of at most
	// MaxURLs servers. What is there twice counts once.
	URLs []string
	// Interval is between a good probe and the next, 5 s, give or take a tenth. It
	// must be well below PurgeAfter of the Directory.
	Interval time.Duration
	// Timeout covers a whole probe, 5 s, and the wait for a speed measurement to
	// begin.
	Timeout time.Duration
	// MaxRetry is the longest that an origin which fails is left alone, 1 m. It begins
	// with Interval, twice as long after each failure, less up to half of it by chance.
	// A Retry-After is heeded up to MaxRetry.
	MaxRetry time.Duration
	// Hold is how long after its first failure an origin stays listed, 1 m.
	Hold time.Duration
	// MeasureBytes is how much of a full archive is downloaded to measure the speed,
	// 4 MiB; it is cut off after a second. Below 0 nothing is measured.
	MeasureBytes int64
	// MeasureInterval is how long a measurement is good for, 5 m. A full archive that
	// is new is measured at once.
	MeasureInterval time.Duration
	// Transport carries the requests: TLS, and who must not be dialed, is its business.
	// Default: HTTP/1.1, no compression, the environment's proxy.
	Transport http.RoundTripper
	// Random is for jitter, from 0 and below 1; rand.Float64 by default. It is called
	// by many goroutines.
	Random func() float64
	// Logger hears of each origin that becomes reachable or unreachable. Nil discards.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.Directory == nil {
		return c, errors.New("origin: the directory is not set")
	}
	for _, d := range []*time.Duration{&c.Interval, &c.Timeout, &c.MaxRetry, &c.Hold, &c.MeasureInterval} {
		if *d < 0 {
			return c, fmt.Errorf("origin: a duration of %v, want none below 0", *d)
		}
	}
	inherit(&c.Interval, 5*time.Second)
	inherit(&c.Timeout, 5*time.Second)
	inherit(&c.MaxRetry, time.Minute)
	inherit(&c.Hold, time.Minute)
	inherit(&c.MeasureBytes, 4<<20)
	inherit(&c.MeasureInterval, 5*time.Minute)
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func inherit[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// newTransport is made for answers of a few hundred bytes, over one connection that
// stays open.
func newTransport() *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DisableCompression:     true,
		Protocols:              &protocols,
		MaxResponseHeaderBytes: 16 << 10,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    1,
	}
}
