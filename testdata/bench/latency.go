//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Probes are sent at a fixed pace, whether those before have been answered or
// not, on more connections than are needed unless something is badly wrong.
const (
	probeEvery   = 4 * time.Millisecond / 3
	probeClients = 64
)

// prober takes the time of small requests from one thread.
type prober struct {
	*load
	requests []request // sent in turn
	began    time.Time
	sent     int         // of all
	total    int         // to send
	idle     []int       // clients without a request
	asked    map[int]int // the number of the request that a client waits for
	took     [][]time.Duration
}

// timerEvent marks the timer among the descriptors of the epoll.
const timerEvent = -1

// probeFor returns how long each kind of request took, from when it was due: a
// stall counts for every request that it holds up.
func probeFor(ctx context.Context, address string, requests []request, d time.Duration) ([][]time.Duration, error) {
	l, err := connect(address, probeClients, 0)
	if err != nil {
		return nil, err
	}
	defer l.close()
	p := &prober{load: l, requests: requests, total: int(d / probeEvery),
		asked: make(map[int]int), took: make([][]time.Duration, len(requests))}
	for i := range l.clients {
		p.idle = append(p.idle, i)
	}
	// Returning from a system call, the thread must find a free P at once,
	// whatever the other goroutines do.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(6))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer hurry()()
	return p.took, p.run(ctx)
}

func (p *prober) run(ctx context.Context) error {
	timer, err := p.startTimer()
	if err != nil {
		return fmt.Errorf("start timer: %w", err)
	}
	defer func() { _ = unix.Close(timer) }()
	events := make([]unix.EpollEvent, probeClients+1)
	answered := time.Now()
	for p.sent < p.total || len(p.asked) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Since(answered) > 30*time.Second {
			return errors.New("no probe was answered for 30 seconds")
		}
		n, err := unix.EpollWait(p.epoll, events, 100)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for probes: %w", err)
		}
		for _, event := range events[:max(n, 0)] {
			if event.Fd == timerEvent {
				err = p.tick(timer)
			} else if err = p.answer(int(event.Fd)); err == nil {
				answered = time.Now()
			}
			if err != nil {
				return fmt.Errorf("probe: %w", err)
			}
		}
	}
	return nil
}

// startTimer makes the timer that ticks when a request is due.
func (p *prober) startTimer() (int, error) {
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return 0, err
	}
	every := unix.NsecToTimespec(probeEvery.Nanoseconds())
	p.began = time.Now()
	err = errors.Join(
		unix.TimerfdSettime(timer, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil),
		unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, timer, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: timerEvent}))
	return timer, err
}

// tick sends what is due.
func (p *prober) tick(timer int) error {
	var ticks [8]byte
	if _, err := unix.Read(timer, ticks[:]); err != nil || binary.NativeEndian.Uint64(ticks[:]) == 0 {
		return err
	}
	return p.send()
}

// due is when request n was to be sent.
func (p *prober) due(n int) time.Time { return p.began.Add(time.Duration(n+1) * probeEvery) }

// send sends the requests whose time has come, as far as there are clients.
func (p *prober) send() error {
	for now := time.Now(); p.sent < p.total && len(p.idle) > 0 && !p.due(p.sent).After(now); p.sent++ {
		i := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		p.asked[i] = p.sent
		want := p.requests[p.sent%len(p.requests)]
		if _, err := p.clients[i].ask(i, func(int, int) (request, bool) { return want, true }); err != nil {
			return err
		}
	}
	return nil
}

// answer receives a response, or a part of it.
func (p *prober) answer(i int) error {
	c := p.clients[i]
	if _, err := c.receive(p.scratch); err != nil {
		return err
	}
	if !c.inBody || c.left > 0 {
		return nil
	}
	n := p.asked[i]
	delete(p.asked, i)
	p.idle = append(p.idle, i)
	kind := n % len(p.requests)
	p.took[kind] = append(p.took[kind], time.Since(p.due(n)))
	return p.send()
}

// hurry lets this thread run before the downloads that share its core, where
// that is permitted, and returns the way back.
func hurry() (undo func()) {
	const first = -20
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil || unix.Setpriority(unix.PRIO_PROCESS, 0, first) != nil {
		return func() {}
	}
	before := 20 - raw // the system call returns it so, to be positive
	return func() { _ = unix.Setpriority(unix.PRIO_PROCESS, 0, before) }
}
