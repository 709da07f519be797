package archive

import (
	"encoding/binary"
	"math"
	"time"
)

// genesisConfig is the part of Agave's GenesisConfig that differs from one
// development cluster to the next (Agave solana-genesis-config).
type genesisConfig struct {
	createdAt      time.Time
	faucet         [32]byte
	faucetLamports uint64
}

// encode gives the bytes of genesis.bin: bincode, so every integer little-endian
// and every count a u64. What is not in c has the values that Agave's tools give a
// development cluster.
func (c genesisConfig) encode() []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(c.createdAt.Unix()))
	b = c.appendAccounts(b)
	b = appendUint64s(b,
		0,    // native instruction processors
		0,    // rewards pools
		64,   // ticks per slot
		1024, // unused
		0,    // target tick duration, whole seconds
	)
	b = binary.LittleEndian.AppendUint32(b, 6_250_000) // and nanoseconds
	b = append(b, 0, 0)                                // no target tick count, no hashes per tick
	b = appendUint64s(b, 0)                            // backwards compatibility
	b = appendUint64s(b, 10_000, 20_000, 0, 0)         // lamports and signatures targeted, fee bounds
	b = append(b, 50)                                  // per cent of fees burnt
	b = appendUint64s(b, 3480, math.Float64bits(2))    // rent: lamports per byte-year, years to be exempt
	b = append(b, 50)                                  // per cent of rent burnt
	for _, inflation := range []float64{0.08, 0.015, 0.15, 0.05, 7, 0} {
		b = appendUint64s(b, math.Float64bits(inflation))
	}
	b = appendUint64s(b, 432_000, 432_000) // slots in an epoch, leader schedule offset
	b = append(b, 1)                       // epochs grow at first
	b = appendUint64s(b, 14, 524_256)      // first epoch of full length, its first slot
	const development = 3                  // ClusterType
	return binary.LittleEndian.AppendUint32(b, development)
}

// appendAccounts writes the only account: the faucet, of the system program,
// whose key is 32 zero bytes.
func (c genesisConfig) appendAccounts(b []byte) []byte {
	b = appendUint64s(b, 1)
	b = append(b, c.faucet[:]...)
	b = appendUint64s(b, c.faucetLamports, 0) // no data
	b = append(b, make([]byte, 32)...)        // owner
	b = append(b, 0)                          // not executable
	return appendUint64s(b, 0)                // rent epoch
}

func appendUint64s(b []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}
