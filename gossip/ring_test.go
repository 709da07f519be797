package gossip

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// numbers returns packets that carry the numbers from first, in a batch of
// their own.
func numbers(first, n int) []packet {
	batch := newBatch(n)
	for i := range batch {
		batch[i].data = strconv.AppendInt(batch[i].buf[:0], int64(first+i), 10)
	}
	return batch
}

// contents returns what the packets carry.
func contents(batch []packet) []string {
	var all []string
	for _, p := range batch {
		all = append(all, string(p.data))
	}
	return all
}

func TestRingDropsTheOldest(t *testing.T) {
	r := newRing(4)
	r.put(numbers(0, 3))
	r.put(numbers(3, 3))
	batch := newBatch(8)
	if got, want := contents(batch[:r.take(batch)]), []string{"2", "3", "4", "5"}; !slices.Equal(got, want) {
		t.Errorf("took %q, want %q", got, want)
	}
	if r.drops() != 2 {
		t.Errorf("counted %d drops, want 2", r.drops())
	}
	r.put(numbers(6, 10)) // more than there is room for at all
	if got, want := contents(batch[:r.take(batch)]), []string{"12", "13", "14", "15"}; !slices.Equal(got, want) {
		t.Errorf("took %q, want %q", got, want)
	}
	if r.drops() != 8 {
		t.Errorf("counted %d drops, want 8", r.drops())
	}
}

// TestRingIsReadyWhilePacketsWait holds that there is one signal, and no more,
// for whatever number of puts and for what a take leaves.
func TestRingIsReadyWhilePacketsWait(t *testing.T) {
	r, batch := newRing(8), newBatch(2)
	check := func(when string, want bool) {
		t.Helper()
		got := false
		select {
		case <-r.ready:
			got = true
		default:
		}
		if got != want {
			t.Errorf("%s: ready %v, want %v", when, got, want)
		}
	}
	check("new", false)
	r.put(nil)
	check("nothing put", false)
	r.put(numbers(0, 2))
	r.put(numbers(2, 1))
	check("two puts", true)
	check("two puts, one signal", false)
	r.take(batch)
	check("one left", true)
	r.take(batch)
	check("none left", false)
	r.put(numbers(3, 1))
	check("put again", true)
}

// TestRingAgainstModel compares the ring with a slice, and holds that every
// buffer is in one place only.
func TestRingAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 9).Draw(t, "size")
		r, in, out := newRing(size), newBatch(12), newBatch(12)
		var model []string
		put, drops := 0, 0
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			n := rapid.IntRange(0, 12).Draw(t, "packets")
			if rapid.Bool().Draw(t, "put") {
				for i := range n {
					in[i].data = fmt.Append(in[i].buf[:0], put+i)
					model = append(model, strconv.Itoa(put+i))
				}
				put += n
				r.put(in[:n])
				excess := max(0, len(model)-size)
				model, drops = model[excess:], drops+excess
				continue
			}
			n = min(n, len(model))
			if got := contents(out[:r.take(out[:n])]); !slices.Equal(got, model[:n]) {
				t.Fatalf("took %q, want %q", got, model[:n])
			}
			model = model[n:]
		}
		if r.drops() != uint64(drops) {
			t.Fatalf("counted %d drops, want %d", r.drops(), drops)
		}
		buffers := map[*[bufferSize]byte]bool{}
		for _, p := range slices.Concat(r.slots, in, out) {
			buffers[p.buf] = true
		}
		if len(buffers) != size+len(in)+len(out) {
			t.Fatalf("%d buffers, want %d", len(buffers), size+len(in)+len(out))
		}
	})
}

// TestRingBetweenGoroutines holds that every packet is taken or counted, in
// order, when neither side waits for the other.
func TestRingBetweenGoroutines(t *testing.T) {
	const total, batchSize = 20_000, 50
	r := newRing(128)
	var putting sync.WaitGroup
	putting.Go(func() {
		batch := newBatch(batchSize)
		for first := 0; first < total; first += batchSize {
			for i := range batch {
				batch[i].data = strconv.AppendInt(batch[i].buf[:0], int64(first+i), 10)
			}
			r.put(batch)
		}
	})
	taken, last, batch := 0, -1, newBatch(40)
	for last < total-1 {
		<-r.ready
		n := r.take(batch)
		for _, p := range batch[:n] {
			number, err := strconv.Atoi(string(p.data))
			if err != nil || number <= last {
				t.Fatalf("took %q after %d", p.data, last)
			}
			last = number
		}
		taken += n
	}
	putting.Wait()
	if taken+int(r.drops()) != total {
		t.Errorf("%d taken and %d dropped, want %d in all", taken, r.drops(), total)
	}
}
