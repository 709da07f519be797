//go:build linux

package main

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// nameOf is a pointer for the kernel to an address.
func nameOf(name *unix.RawSockaddrInet4) unsafe.Pointer { return unsafe.Pointer(name) }

// call is a system call for the places from first to before end. What the
// heads point to is a part of the batch, and so stays where it is meanwhile.
func (b *batch) call(number, fd uintptr, first, end int) (int, unix.Errno) {
	done, _, errno := unix.Syscall6(number, fd, uintptr(unsafe.Pointer(&b.heads[first])), uintptr(end-first), unix.MSG_DONTWAIT, 0, 0)
	return int(done), errno
}

// networkOrder turns a port as the machine writes it into one as networks do,
// and back.
func networkOrder(port uint16) uint16 {
	return binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, port))
}
