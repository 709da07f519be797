//go:build !amd64

package lthash

// kernels are the kernels of this machine, the fastest first.
func kernels() []*kernel { return []*kernel{&portable} }
