package main

import (
	"sync"

	"github.com/spf13/pflag"
)

// configuration is the one in force, with the way to read it again.
type configuration struct {
	flags *pflag.FlagSet

	mu      sync.Mutex
	current Config // guarded by mu, replaced whole
}

// changes are the settings that a reload found different, by name.
type changes struct {
	// Applied took effect; Restart will only when the program starts again.
	Applied, Restart []string
}

// newConfiguration loads for the first time.
func newConfiguration(flags *pflag.FlagSet) (*configuration, error) {
	c, err := loadConfig(flags)
	return &configuration{flags: flags, current: c}, err
}

// Config is the configuration in force.
func (c *configuration) Config() Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// Reload reads the file and the environment again, under the same flags. On an
// error everything stays as it is. The result has the new values of those
// settings that can change while the program runs, and the old ones of the rest.
func (c *configuration) Reload() (Config, changes, error) {
	loaded, err := loadConfig(c.flags)
	if err != nil {
		return Config{}, changes{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	merged, what := merge(c.current, loaded)
	c.current = merged
	return merged, what, nil
}

// merge takes from loaded what needs no restart.
func merge(current, loaded Config) (Config, changes) {
	var what changes
	for _, s := range settings {
		now, next := s.value(&current), s.value(&loaded).String()
		switch {
		case now.String() == next:
		case s.reload:
			_ = now.Set(next) // it was parsed from such text a moment ago
			what.Applied = append(what.Applied, s.name)
		default:
			what.Restart = append(what.Restart, s.name)
		}
	}
	return current, what
}
