// Command solsnap serves Solana snapshots. See solsnap --help and the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The exit codes. Scripts rely on them: these must not change.
const (
	exitOK     = 0
	exitFailed = 1 // the job was not done
	exitUsage  = 2 // the command line, the environment or the configuration file is wrong
	exitFalse  = 3 // an archive is not what it claims to be

	// What `solsnap fetch` could not do, besides.
	exitNoSource  = 4 // nobody has it
	exitUntrusted = 5 // nobody has it who is believed
	exitTooSlow   = 6 // it would take too long
	exitDisk      = 7 // it cannot be stored
)

func main() {
	os.Exit(report(os.Stderr, run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)))
}

// run is the whole program. SIGINT and SIGTERM end its context; a second one
// kills the process, should something not let go.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return root.ExecuteContext(ctx)
}

// report prints err, once, and gives the exit code for it.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	_, _ = fmt.Fprintln(stderr, "solsnap:", err) // nowhere left to complain
	if usage := (*usageError)(nil); errors.As(err, &usage) {
		return exitUsage
	}
	if invalid := (*invalidError)(nil); errors.As(err, &invalid) {
		return exitFalse
	}
	if fetched := (*fetchError)(nil); errors.As(err, &fetched) {
		return fetchCodes[fetched.kind]
	}
	return exitFailed
}

// usageError is what the person who started the program can put right.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usageErrorf(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}
