//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is the node under test as it runs.
type process struct {
	cmd   *exec.Cmd
	log   *os.File      // what it prints
	ended chan struct{} // closed when it has
}

// startProcess starts a command, with an environment of its own so that the
// caller's GOGC or SOLSNAP_* do not change what is measured. The kernel kills it
// if this process dies without stopping it.
func startProcess(log string, command []string) (*process, error) {
	p := &process{cmd: exec.Command(command[0], command[1:]...), ended: make(chan struct{})}
	var err error
	if p.log, err = os.Create(log); err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.Getenv("TMPDIR")}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go p.attend(started)
	if err := <-started; err != nil {
		p.log.Close()
		return nil, fmt.Errorf("start %s: %w", command[0], err)
	}
	return p, nil
}

// attend starts the command and waits for its end, in a thread of its own: the
// kernel takes the end of the thread for that of the parent.
func (p *process) attend(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait()
		close(p.ended)
	}
}

// stop ends the process and returns once it is gone.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	p.log.Close()
}

// died explains why the process is no longer there; nil while it is.
func (p *process) died() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended: %v: %s", p.cmd.Path, p.cmd.ProcessState, p.said())
	default:
		return nil
	}
}

// said is the end of what it has printed.
func (p *process) said() string {
	const most = 1000
	end, err := p.log.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	b := make([]byte, min(end, most))
	_, err = p.log.ReadAt(b, end-int64(len(b)))
	if err != nil && !errors.Is(err, io.EOF) {
		return err.Error()
	}
	return strings.TrimSpace(string(b))
}

// usage is what a process has used.
type usage struct {
	user, system time.Duration
	rss, peak    int64 // bytes resident, now and at most
}

// usageOf reads proc(5). The kernel keeps the sum of both times to the
// nanosecond, but tells it in hundredths of a second.
func usageOf(pid int) (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, fmt.Errorf("read CPU time: %w", err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return usage{}, fmt.Errorf("read memory: %w", err)
	}
	return parseUsage(string(stat), string(status))
}

// parseUsage reads utime and stime of stat, VmRSS and VmHWM of status.
func parseUsage(stat, status string) (u usage, err error) {
	_, after, _ := strings.Cut(stat[strings.LastIndexByte(stat, ')')+1:], " ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return usage{}, fmt.Errorf("read CPU time: %d fields, want 13 behind the name", len(fields))
	}
	number := func(text string) int64 {
		n, failed := strconv.ParseInt(text, 10, 64)
		err = errors.Join(err, failed)
		return n
	}
	const tick = time.Second / 100 // USER_HZ
	u.user, u.system = time.Duration(number(fields[11]))*tick, time.Duration(number(fields[12]))*tick
	for line := range strings.Lines(status) {
		switch fields := strings.Fields(line); {
		case len(fields) == 3 && fields[0] == "VmRSS:":
			u.rss = number(fields[1]) << 10
		case len(fields) == 3 && fields[0] == "VmHWM:":
			u.peak = number(fields[1]) << 10
		}
	}
	return u, err
}

// dropsAt is how many datagrams the kernel has thrown away because the sockets
// of a UDP port were full (proc(5), /proc/net/udp).
func dropsAt(port uint16) (uint64, error) {
	table, err := os.ReadFile("/proc/net/udp")
	if err != nil {
		return 0, fmt.Errorf("read drops: %w", err)
	}
	return parseDrops(string(table), port)
}

// parseDrops adds up the last column of all sockets of a port.
func parseDrops(table string, port uint16) (drops uint64, err error) {
	suffix := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 13 || !strings.HasSuffix(fields[1], suffix) {
			continue
		}
		n, err := strconv.ParseUint(fields[len(fields)-1], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read drops: %w", err)
		}
		drops += n
	}
	return drops, nil
}

// setPriority sets that of every thread of this process; threads and processes to
// come inherit it.
func setPriority(nice int) error {
	if nice == 0 {
		return nil
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return err
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, id, nice); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("set priority %d: %w; leave out -nice unless root", nice, err)
		}
	}
	return nil
}
