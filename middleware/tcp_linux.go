package middleware

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// kernelKnowsProgress is whether ackedBytes answers.
const kernelKnowsProgress = true

// unpaced is the kernel's own "no limit" for SO_MAX_PACING_RATE.
const unpaced = ^uint64(0)

// ackedBytes asks the kernel how many bytes the peer has acknowledged on the
// connection (tcp(7), TCP_INFO). Unlike what was written, it leaves out what
// still waits in our send buffer, which may be megabytes.
func ackedBytes(raw syscall.RawConn) (uint64, bool) {
	if raw == nil {
		return 0, false
	}
	var info *unix.TCPInfo
	var err error
	ctlErr := raw.Control(func(fd uintptr) {
		info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	if ctlErr != nil || err != nil {
		return 0, false
	}
	return info.Bytes_acked, true
}

// setPacing limits the rate, in bytes per second, at which the kernel sends on
// the connection (socket(7), SO_MAX_PACING_RATE). The process goes on handing
// whole files to sendfile: it is the socket that becomes writable more slowly.
func setPacing(raw syscall.RawConn, rate uint64) error {
	if raw == nil {
		return unix.ENOTSUP
	}
	var err error
	ctlErr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, rate)
	})
	if ctlErr != nil {
		return ctlErr
	}
	return err
}
