package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// loadConfig reads the settings anew: flags before SOLSNAP_* before the file
// before the defaults. Whatever is unknown, out of range or contradictory is a
// *usageError that names it; an empty environment variable counts as unset.
func loadConfig(flags *pflag.FlagSet) (Config, error) {
	c, err := readConfig(flags)
	if err != nil {
		return Config{}, &usageError{err}
	}
	return c, nil
}

func readConfig(flags *pflag.FlagSet) (Config, error) {
	if err := checkEnvironment(os.Environ()); err != nil {
		return Config{}, err
	}
	file := configFile(flags)
	// Always a new one: a viper cannot be read while it reloads.
	v := viper.NewWithOptions()
	if file != "" {
		if err := readFile(v, file); err != nil {
			return Config{}, err
		}
	}
	if err := bind(v, flags); err != nil {
		return Config{}, err
	}
	var c Config
	for _, s := range settings {
		if err := assign(s.value(&c), v.Get(s.name)); err != nil {
			return Config{}, fmt.Errorf("%s: %w", whence(s, flags, file), err)
		}
	}
	return finish(c)
}

func finish(c Config) (Config, error) {
	c.resolve()
	if c.StateDir == "" {
		dir, err := defaultStateDir(os.Getenv)
		if err != nil {
			return Config{}, err
		}
		c.StateDir = dir
	}
	return c, c.validate()
}

// configFile is the path of the file to read, or "" for none: there is no
// default place that could be read by surprise.
func configFile(flags *pflag.FlagSet) string {
	if flag := flags.Lookup("config"); flag != nil && flag.Changed {
		return flag.Value.String()
	}
	return os.Getenv(envPrefix + "CONFIG")
}

// kubernetesLinks are the variables that Kubernetes puts into every pod beside a
// Service called solsnap. They are not for us.
var kubernetesLinks = regexp.MustCompile(`^SOLSNAP_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// checkEnvironment refuses a SOLSNAP_ variable that would otherwise be ignored
// in silence.
func checkEnvironment(environ []string) error {
	known := []string{envPrefix + "CONFIG"}
	for _, s := range settings {
		known = append(known, s.env())
	}
	slices.Sort(environ) // so that the error is the same every time
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if value == "" || !strings.HasPrefix(name, envPrefix) || slices.Contains(known, name) || kubernetesLinks.MatchString(name) {
			continue
		}
		return fmt.Errorf("environment variable %s is not a setting%s", name, suggest(name, known, "%s", ""))
	}
	return nil
}

var configExtensions = []string{".yaml", ".yml", ".toml", ".json"}

func readFile(v *viper.Viper, file string) error {
	if ext := filepath.Ext(file); !slices.Contains(configExtensions, ext) {
		return fmt.Errorf("configuration file %s: want a name that ends in %s", file, strings.Join(configExtensions, " or "))
	}
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("configuration file: %w", err)
	}
	// An editor or a full disk truncates before it writes. To take that for "all
	// defaults" would undo a running server's settings.
	if info.Size() == 0 {
		return fmt.Errorf("configuration file %s is empty", file)
	}
	v.SetConfigFile(file)
	if err := v.ReadInConfig(); err != nil {
		return fmt.Errorf("configuration file %s: %s", file, oneLine(err))
	}
	return checkKeys(v, file)
}

// oneLine drops viper's "While parsing config: " and yaml's line breaks.
func oneLine(err error) string {
	if parse := (viper.ConfigParseError{}); errors.As(err, &parse) {
		err = parse.Unwrap()
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// checkKeys is called before anything is bound, when v knows only the file.
func checkKeys(v *viper.Viper, file string) error {
	keys := v.AllKeys()
	slices.Sort(keys)
	for _, key := range keys {
		if !slices.Contains(settingNames(), key) {
			return fmt.Errorf("configuration file %s: unknown key %q%s", file, key, suggest(key, settingNames(), "%q", ""))
		}
		if v.Get(key) == nil {
			return fmt.Errorf("configuration file %s: key %q has no value", file, key)
		}
	}
	return nil
}

func bind(v *viper.Viper, flags *pflag.FlagSet) error {
	for _, s := range settings {
		v.SetDefault(s.name, s.def)
		if err := v.BindEnv(s.name, s.env()); err != nil {
			return err
		}
		if flag := flags.Lookup(s.name); flag != nil {
			if err := v.BindPFlag(s.name, flag); err != nil {
				return err
			}
		}
	}
	return nil
}

// assign sets a value from what viper found: text from a flag, the environment
// or a default, any scalar or a list from a file.
func assign(to pflag.Value, raw any) error {
	items, many := raw.([]any)
	if !many {
		text, err := scalar(raw)
		if err != nil {
			return err
		}
		return explain(to.Set(text), raw)
	}
	if _, ok := to.(interface{ many() }); !ok {
		return errors.New("want one value, not a list")
	}
	for _, item := range items {
		text, err := scalar(item)
		if err != nil {
			return err
		}
		if err := explain(to.Set(text), item); err != nil {
			return err
		}
	}
	return nil
}

func explain(err error, raw any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("got %#v: %w", raw, err)
}

// scalar is a file's value as it would be typed on the command line.
func scalar(raw any) (string, error) {
	switch raw := raw.(type) {
	case string:
		return raw, nil
	case bool:
		return strconv.FormatBool(raw), nil
	case int, int64, uint64:
		return fmt.Sprint(raw), nil
	case float64:
		return strconv.FormatFloat(raw, 'f', -1, 64), nil
	default:
		return "", errors.New("want text, a number, true or false")
	}
}

// whence says where the person finds the value that is wrong.
func whence(s setting, flags *pflag.FlagSet, file string) string {
	if flag := flags.Lookup(s.name); flag != nil && flag.Changed {
		return "--" + s.name
	}
	if os.Getenv(s.env()) != "" {
		return "environment variable " + s.env()
	}
	return fmt.Sprintf("configuration file %s: key %q", file, s.name)
}

// defaultStateDir is where systemd's StateDirectory= points, else where the XDG
// base directories say.
func defaultStateDir(getenv func(string) string) (string, error) {
	if dirs := getenv("STATE_DIRECTORY"); dirs != "" {
		first, _, _ := strings.Cut(dirs, ":")
		return first, nil
	}
	if base := getenv("XDG_STATE_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "solsnap"), nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", errors.New("no home directory to keep state in; give --state-dir")
	}
	return filepath.Join(home, ".local", "state", "solsnap"), nil
}
