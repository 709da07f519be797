package api

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// sendMost is how many bytes one sendfile(2) takes: some 3 ms of a core when the
// peer is as fast as we are. At 1 MiB a single download costs a third more.
const sendMost = 16 << 20

// turns bounds how many sendfile(2) calls run at once. Each has a thread of its
// own, and a hundred threads that never wait share the processors so evenly that a
// small request waits for most of them: 300 ms beside 64 downloads. More than there
// are processors, because a call may also wait for the disk.
type turns chan struct{}

func newTurns() turns { return make(turns, 3+runtime.GOMAXPROCS(0)) }

// wrap makes a connection whose files wait for their turn.
func (t turns) wrap(c *net.TCPConn) net.Conn { return &turnConn{c, t} }

// turnConn keeps everything of its connection but how a file is sent. net/http
// hands it an *os.File inside one LimitedReader, as it would to net.
type turnConn struct {
	*net.TCPConn
	turns turns
}

// ReadFrom implements io.ReaderFrom.
func (c *turnConn) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		return c.TCPConn.ReadFrom(r)
	}
	file, ok := limited.R.(*os.File)
	if !ok {
		return c.TCPConn.ReadFrom(r)
	}
	sent, err := c.sendFile(file, limited)
	if sent == 0 && unsendable(err) {
		return c.TCPConn.ReadFrom(r)
	}
	return sent, err
}

// unsendable tells that sendfile(2) does not do this file, on which its file system
// decides. net copies it then.
func unsendable(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP)
}

// sendFile sends from the file's offset until limited is used up, the file ends, or
// an error comes.
func (c *turnConn) sendFile(file *os.File, limited *io.LimitedReader) (total int64, err error) {
	for limited.N > 0 {
		n, err := c.sendSome(file, int(min(limited.N, sendMost)))
		total += int64(n)
		limited.N -= int64(n)
		if err != nil || n == 0 {
			return total, err
		}
	}
	return total, nil
}

// sendSome is one sendfile(2), which it waits for until the peer has room. Only the
// call itself takes a turn: a slow peer keeps nobody waiting.
func (c *turnConn) sendSome(file *os.File, most int) (n int, err error) {
	to, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	from, err := file.SyscallConn()
	if err != nil {
		return 0, err
	}
	var sendErr, waitErr error
	readErr := from.Read(func(source uintptr) bool {
		waitErr = to.Write(func(target uintptr) bool {
			c.turns <- struct{}{}
			n, sendErr = sendfile(int(target), int(source), most)
			<-c.turns
			return !errors.Is(sendErr, unix.EAGAIN)
		})
		return true
	})
	if sendErr != nil && !errors.Is(sendErr, unix.EAGAIN) {
		waitErr = &net.OpError{Op: "write", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("sendfile", sendErr)}
	}
	return max(n, 0), errors.Join(readErr, waitErr)
}

func sendfile(target, source, most int) (int, error) {
	for {
		n, err := unix.Sendfile(target, source, nil, most)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
