package lthash

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkSum adds accounts of one size. 165 bytes are a token account.
func BenchmarkSum(b *testing.B) {
	for _, k := range kernels() {
		for _, size := range []int{0, 165, 1000, 3000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", k.name, size), func(b *testing.B) {
				accounts := cold(size)
				s := sumWith(k)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					s.Add(&accounts[i%len(accounts)])
					i++
				}
				reportRate(b)
			})
		}
	}
}

// BenchmarkSumMixed adds accounts of sizes such as a cluster has: mostly token
// accounts, some empty, some larger.
func BenchmarkSumMixed(b *testing.B) {
	random := rand.NewChaCha8([32]byte{8})
	sizes := []int{165, 165, 165, 165, 165, 165, 165, 165, 165, 0, 0, 82, 182, 200, 679, 679, 241, 1300, 3228, 9988}
	accounts := make([]Account, 1000)
	for i := range accounts {
		accounts[i] = made(random, sizes[random.Uint64()%uint64(len(sizes))])
	}
	for _, k := range kernels() {
		b.Run(k.name, func(b *testing.B) {
			s := sumWith(k)
			i := 0
			for b.Loop() {
				s.Add(&accounts[i%len(accounts)])
				i++
			}
			reportRate(b)
		})
	}
}

// BenchmarkSumsInParallel adds token accounts to a Sum on every core.
func BenchmarkSumsInParallel(b *testing.B) {
	accounts := cold(165)
	for _, k := range kernels() {
		b.Run(k.name, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				s := sumWith(k)
				for i := 0; pb.Next(); i++ {
					s.Add(&accounts[i%len(accounts)])
				}
			})
			reportRate(b)
		})
	}
}

// cold are enough accounts that the first-level cache does not hold them.
func cold(size int) []Account {
	random := rand.NewChaCha8([32]byte{7})
	accounts := make([]Account, 1+100_000/(size+100))
	for i := range accounts {
		accounts[i] = made(random, size)
	}
	return accounts
}

func reportRate(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "accounts/s")
}

// BenchmarkOf hashes a token account by itself.
func BenchmarkOf(b *testing.B) {
	a := made(rand.NewChaCha8([32]byte{9}), 165)
	b.ReportAllocs()
	for b.Loop() {
		Of(&a)
	}
}
