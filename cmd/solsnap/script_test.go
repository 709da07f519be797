package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"solsnap": main})
}

// TestScripts runs the program as a person would. Exit codes are asserted with
// `! solsnap`, and what is said with stdout and stderr.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(env *testscript.Env) error {
		env.Setenv("GORACE", "atexit_sleep_ms=0") // else each process lingers for a second
		return nil
	}})
}
