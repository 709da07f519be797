//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a running server.
type process struct {
	cmd    *exec.Cmd
	output *bytes.Buffer // standard error; read only after ended is closed
	ended  chan struct{}
}

// startProcess starts a program on one core, with an environment of its own so
// that the caller's GOGC or SOLSNAP_* do not change what is measured. The kernel
// kills it if this process dies without stopping it.
func startProcess(core int, path string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(path, args...), output: new(bytes.Buffer), ended: make(chan struct{})}
	p.cmd.Stderr = p.output
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.Getenv("TMPDIR")}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := startOn(core, p.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// startOn starts cmd on one core: a child inherits the affinity of the thread
// that forks it.
func startOn(core int, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, only unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	only.Set(core)
	if err := unix.SchedSetaffinity(0, &only); err != nil {
		return err
	}
	err := cmd.Start()
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// stop ends the process and returns once it is gone.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// died explains why the process is no longer there; nil while it is.
func (p *process) died() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended: %v: %s", p.cmd.Path, p.cmd.ProcessState, strings.TrimSpace(p.output.String()))
	default:
		return nil
	}
}

// cpu is the time its threads have run (proc(5), schedstat). Threads that have
// exited are lost, but neither server ends threads while it is measured.
func (p *process) cpu() (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		return 0, fmt.Errorf("read CPU time of %s: it has ended: %w", p.cmd.Path, errors.Join(err, p.died()))
	}
	var sum time.Duration
	for _, thread := range threads {
		line, err := os.ReadFile(thread)
		if err != nil {
			continue // the thread ended since
		}
		first, _, _ := strings.Cut(string(line), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", thread, err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// rss is its resident memory in bytes (proc(5), VmRSS).
func (p *process) rss() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read memory of %s: %w", p.cmd.Path, err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("read memory of %s: no VmRSS", p.cmd.Path)
}
