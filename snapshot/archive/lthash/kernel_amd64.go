package lthash

import "golang.org/x/sys/cpu"

// kernels are the kernels of this machine, the fastest first.
func kernels() []*kernel {
	var all []*kernel
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL {
		all = append(all, &avx512)
	}
	if cpu.X86.HasAVX2 {
		all = append(all, &avx2)
	}
	return append(all, &portable)
}

// avx512 has a word of all sixteen lanes in a register.
var avx512 = kernel{name: "avx512", columns: 16, compress: compressAVX512, mix: mixAVX512}

//go:noescape
func compressAVX512(b *batch, in []byte, stride int, active uint32)

//go:noescape
func mixAVX512(total *Hash, b *batch, in []byte, stride, n int)

// avx2 has a word of eight lanes in a register, and works twice.
var avx2 = kernel{name: "avx2", columns: 8, compress: compressAVX2, mix: mixAVX2}

//go:noescape
func compressAVX2(b *batch, in []byte, stride int, active uint32)

//go:noescape
func mixAVX2(total *Hash, b *batch, in []byte, stride, n int)
