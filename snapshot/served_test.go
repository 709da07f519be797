package snapshot

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	here  = &directory{path: "/snapshots"}
	there = &directory{path: "/snapshots/remote", remote: true}
)

// since makes a listing that has been listed for a time at epoch.
func since(listedFor time.Duration, n Name) listing {
	return listing{
		Archive: Archive{Name: n, Path: "/snapshots/" + n.String(), Size: 1},
		place:   place{dir: here, file: n.String()},
		since:   epoch.Add(-listedFor),
	}
}

func lz4(n Name) Name {
	n.Format = FormatLZ4
	return n
}

func TestServedPair(t *testing.T) {
	const grace = 10 * time.Minute
	var (
		full100, full200, full300 = fullName(100, 1), fullName(200, 2), fullName(300, 3)
		inc150, inc160            = incrementalName(100, 150, 5), incrementalName(100, 160, 6)
		inc210, inc320            = incrementalName(200, 210, 7), incrementalName(300, 320, 8)
	)
	for name, tt := range map[string]struct {
		current []Name // full, incremental
		list    []listing
		noGrace bool
		want    []Name
		until   time.Duration // after epoch; 0: for ever
	}{
		"nothing": {},
		"incrementals alone": {
			list: []listing{since(0, inc150)},
		},
		"full alone": {
			list: []listing{since(0, full100)},
			want: []Name{full100},
		},
		"highest full, highest incremental on it": {
			list: []listing{since(0, full100), since(0, full200), since(0, inc150), since(0, inc160), since(0, inc210)},
			want: []Name{full200, inc210},
		},
		"incremental without its full is ignored": {
			list: []listing{since(0, full100), since(0, inc320)},
			want: []Name{full100},
		},

		"new full waits for its incremental": {
			current: []Name{full100, inc150},
			list:    []listing{since(time.Hour, full100), since(time.Hour, inc150), since(time.Minute, full200)},
			want:    []Name{full100, inc150},
			until:   9 * time.Minute,
		},
		"held pair follows newer incrementals": {
			current: []Name{full100, inc150},
			list:    []listing{since(time.Hour, full100), since(time.Hour, inc150), since(0, inc160), since(time.Minute, full200)},
			want:    []Name{full100, inc160},
			until:   9 * time.Minute,
		},
		"incremental on the new full ends the hold": {
			current: []Name{full100, inc150},
			list:    []listing{since(time.Hour, full100), since(time.Hour, inc150), since(time.Minute, full200), since(0, inc210)},
			want:    []Name{full200, inc210},
		},
		"grace ends the hold": {
			current: []Name{full100, inc150},
			list:    []listing{since(time.Hour, full100), since(time.Hour, inc150), since(grace, full200)},
			want:    []Name{full200},
		},
		"without grace, as Agave": {
			current: []Name{full100, inc150},
			list:    []listing{since(time.Hour, full100), since(time.Hour, inc150), since(0, full200)},
			noGrace: true,
			want:    []Name{full200},
		},
		"full vanishes during the hold": {
			current: []Name{full100, inc150},
			list:    []listing{since(time.Hour, inc150), since(0, full200)},
			want:    []Name{full200},
		},
		"incremental vanishes during the hold": {
			current: []Name{full100, inc150},
			list:    []listing{since(time.Hour, full100), since(0, full200)},
			want:    []Name{full200},
		},
		"a lower incremental does not save the hold": {
			current: []Name{full100, inc160},
			list:    []listing{since(time.Hour, full100), since(time.Hour, inc150), since(0, full200)},
			want:    []Name{full200},
		},
		"incremental vanishes without a higher full": {
			current: []Name{full100, inc160},
			list:    []listing{since(time.Hour, full100), since(time.Hour, inc150)},
			want:    []Name{full100, inc150},
		},
		"full vanishes: no lower pair, if there is a higher full": {
			current: []Name{full200, inc210},
			list:    []listing{since(time.Hour, full100), since(time.Hour, inc150), since(0, full300)},
			want:    []Name{full300},
		},
		"full vanishes: a lower pair, if nothing else is left": {
			current: []Name{full200, inc210},
			list:    []listing{since(time.Hour, full100), since(time.Hour, inc150)},
			want:    []Name{full100, inc150},
		},
		"a full alone is replaced at once": {
			current: []Name{full100},
			list:    []listing{since(time.Hour, full100), since(0, full200)},
			want:    []Name{full200},
		},
		"a full alone does not yield to a lower pair": {
			current: []Name{full200},
			list:    []listing{since(0, full100), since(0, inc150), since(0, full200)},
			want:    []Name{full200},
		},
		"second new full does not prolong the hold": {
			current: []Name{full100, inc150},
			list:    []listing{since(time.Hour, full100), since(time.Hour, inc150), since(8*time.Minute, full200), since(time.Minute, full300)},
			want:    []Name{full100, inc150},
			until:   2 * time.Minute,
		},
		"of two new fulls, the lower gets its incremental first": {
			current: []Name{full100, inc150},
			list:    []listing{since(time.Hour, full100), since(time.Hour, inc150), since(8*time.Minute, full200), since(time.Minute, full300), since(0, inc210)},
			want:    []Name{full200, inc210},
			until:   9 * time.Minute,
		},

		"at first, a young full waits": {
			list:  []listing{since(time.Hour, full100), since(time.Hour, inc150), since(time.Minute, full200)},
			want:  []Name{full100, inc150},
			until: 9 * time.Minute,
		},
		"at first, an old full does not wait": {
			list: []listing{since(2*time.Hour, full100), since(2*time.Hour, inc150), since(time.Hour, full200)},
			want: []Name{full200},
		},
		"at first, a young full does not wait for a full alone": {
			list: []listing{since(time.Hour, full100), since(time.Minute, full200)},
			want: []Name{full200},
		},

		"zstd before lz4": {
			list: []listing{since(0, lz4(fullName(100, 1))), since(0, fullName(100, 9))},
			want: []Name{fullName(100, 9)},
		},
		"lower hash first": {
			list: []listing{since(0, fullName(100, 9)), since(0, fullName(100, 1))},
			want: []Name{fullName(100, 1)},
		},
		"the same full as zstd is better": {
			current: []Name{lz4(fullName(100, 9))},
			list:    []listing{since(0, lz4(fullName(100, 9))), since(0, fullName(100, 9))},
			want:    []Name{fullName(100, 9)},
		},
		"the served full stays": {
			current: []Name{lz4(fullName(100, 9))},
			list:    []listing{since(0, lz4(fullName(100, 9))), since(0, fullName(100, 1))},
			want:    []Name{lz4(fullName(100, 9))},
		},
		"the served incremental stays": {
			current: []Name{full100, incrementalName(100, 150, 9)},
			list:    []listing{since(0, full100), since(0, incrementalName(100, 150, 9)), since(0, inc150)},
			want:    []Name{full100, incrementalName(100, 150, 9)},
		},
		"the rival of a served full that vanishes": {
			current: []Name{fullName(100, 9), inc150},
			list:    []listing{since(0, full100), since(0, inc150)},
			want:    []Name{full100, inc150},
		},
	} {
		t.Run(name, func(t *testing.T) {
			grace := grace
			if tt.noGrace {
				grace = 0
			}
			slices.SortFunc(tt.list, compareListings)
			got := choosePair(pairNamed(tt.current), tt.list, epoch, grace)
			if !slices.Equal(namesOf(got), tt.want) {
				t.Errorf("served are %v, want %v", namesOf(got), tt.want)
			}
			var until time.Time
			if tt.until != 0 {
				until = epoch.Add(tt.until)
			}
			if !got.until.Equal(until) {
				t.Errorf("choice holds until %v, want %v", got.until, until)
			}
		})
	}
}

func TestDirectoryBeforeItsRemote(t *testing.T) {
	far := since(0, fullName(100, 1))
	far.place.dir = there
	near := since(0, fullName(100, 9))
	list := []listing{far, near}
	slices.SortFunc(list, compareListings)
	if got := choosePair(nil, list, epoch, 0); got.pair.Full.Name != near.Name {
		t.Errorf("served is %s, want %s", got.pair.Full.Name, near.Name)
	}
}

func pairNamed(names []Name) *Pair {
	if len(names) == 0 {
		return nil
	}
	pair := &Pair{Full: Archive{Name: names[0]}}
	if len(names) > 1 {
		pair.Incremental = &Archive{Name: names[1]}
	}
	return pair
}

func namesOf(c choice) (names []Name) {
	if !c.ok {
		return nil
	}
	names = append(names, c.pair.Full.Name)
	if c.pair.Incremental != nil {
		names = append(names, c.pair.Incremental.Name)
	}
	return names
}

// TestServedPairIsAlwaysConsistent lets files come, grow, change and go in any
// order, and time pass, and looks at the pair after each scan.
func TestServedPairIsAlwaysConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{
			now:       epoch,
			grace:     time.Duration(rapid.IntRange(0, 10).Draw(t, "grace")) * time.Minute,
			files:     make(map[place]sighting),
			catalogue: newCatalogue(2*time.Second, newStoreLogger(), func(sighting) error { return nil }),
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w.step(t)
			w.scan(t)
		}
	})
}

// world is a directory, a clock, and the state of a Store.
type world struct {
	now       time.Time
	grace     time.Duration
	files     map[place]sighting
	catalogue *catalogue
	current   *Pair
	listed    map[Name]Archive
}

func (w *world) step(t *rapid.T) {
	switch rapid.SampledFrom([]string{"add", "add", "remove", "change", "wait", "wait"}).Draw(t, "step") {
	case "wait":
		seconds := rapid.SampledFrom([]int{1, 2, 3, 60, 299, 600, 3600}).Draw(t, "seconds")
		w.now = w.now.Add(time.Duration(seconds) * time.Second)
	case "add":
		w.put(t, w.draw(t))
	default:
		if len(w.files) == 0 {
			return
		}
		places := make([]place, 0, len(w.files))
		for p := range w.files {
			places = append(places, p)
		}
		slices.SortFunc(places, func(a, b place) int {
			return slices.Compare([]byte(a.dir.path+a.file), []byte(b.dir.path+b.file))
		})
		p := rapid.SampledFrom(places).Draw(t, "victim")
		if rapid.Bool().Draw(t, "replaced") {
			w.put(t, w.files[p])
			return
		}
		delete(w.files, p)
	}
}

func (w *world) draw(t *rapid.T) sighting {
	slots := rapid.SampledFrom([]Slot{100, 200, 300})
	name := fullName(slots.Draw(t, "base"), rapid.SampledFrom([]byte{1, 2}).Draw(t, "hash"))
	if rapid.Bool().Draw(t, "incremental") {
		name = incrementalName(name.Slot, name.Slot+rapid.SampledFrom([]Slot{10, 20, 150}).Draw(t, "above"), name.Hash[0])
	}
	name.Format = rapid.SampledFrom([]Format{FormatZstd, FormatLZ4}).Draw(t, "format")
	dir := rapid.SampledFrom([]*directory{here, there}).Draw(t, "directory")
	return sighting{place: place{dir, name.String()}, path: dir.path + "/" + name.String(), name: name}
}

func (w *world) put(t *rapid.T, s sighting) {
	s.modTime = w.now.Add(-time.Duration(rapid.SampledFrom([]int{0, 0, 61, 7200}).Draw(t, "age")) * time.Second)
	s.state = fileState{size: int64(rapid.IntRange(0, 3).Draw(t, "size")), modTime: s.modTime.UnixNano()}
	w.files[s.place] = s
}

func (w *world) scan(t *rapid.T) {
	var seen []sighting
	for _, s := range w.files {
		seen = append(seen, s)
	}
	w.catalogue.observe(seen, w.now, w.current == nil)
	list := onePerName(w.catalogue.listings(), func(a Archive) bool { return w.listed[a.Name].same(a) })
	got := choosePair(w.current, list, w.now, w.grace)
	w.check(t, list, got)
	w.current, w.listed = nil, make(map[Name]Archive)
	if got.ok {
		w.current = &got.pair
	}
	for _, l := range list {
		w.listed[l.Name] = l.Archive
	}
}

func (w *world) check(t *rapid.T, list []listing, got choice) {
	fulls, incrementals := contenders(w.current, list)
	if got.ok != (len(fulls) > 0) {
		t.Fatalf("a pair is served: %v, with %d fulls listed", got.ok, len(fulls))
	}
	if !got.ok {
		return
	}
	listed := func(a Archive) bool {
		return slices.ContainsFunc(list, func(l listing) bool { return l.same(a) })
	}
	full, incremental := got.pair.Full, got.pair.Incremental
	if !listed(full) || (incremental != nil && !listed(*incremental)) {
		t.Fatalf("served pair %v has a member that is not listed", namesOf(got))
	}
	if incremental != nil && (incremental.Name.Base != full.Name.Slot || incremental.Name.Kind != Incremental) {
		t.Fatalf("served incremental %s is not on the served full %s", incremental.Name, full.Name)
	}
	for _, l := range list {
		if l.Name.Kind == Incremental && l.Name.Base == full.Name.Slot && l.Name.Slot > got.pair.Slot() {
			t.Fatalf("%s is listed, but the pair is %v", l.Name, namesOf(got))
		}
	}
	if full.Name.Slot != fulls[0].Name.Slot && (incremental == nil || got.until.IsZero()) {
		t.Fatalf("a lower full is served alone or for ever: %v", namesOf(got))
	}
	if w.current != nil && intact(*w.current, fulls, incrementals) && full.Name.Slot < w.current.Full.Name.Slot {
		t.Fatalf("pair goes back from %s to %s", w.current.Full.Name, full.Name)
	}
	again := choosePair(&got.pair, list, w.now, w.grace)
	if !slices.Equal(namesOf(again), namesOf(got)) {
		t.Fatalf("pair flaps from %v to %v", namesOf(got), namesOf(again))
	}
	w.checkUntil(t, list, got)
}

// checkUntil sees that a choice lasts until it said, and no longer.
func (w *world) checkUntil(t *rapid.T, list []listing, got choice) {
	if got.until.IsZero() {
		if later := choosePair(&got.pair, list, w.now.Add(1000*time.Hour), w.grace); !slices.Equal(namesOf(later), namesOf(got)) {
			t.Fatalf("choice %v was for ever, and becomes %v", namesOf(got), namesOf(later))
		}
		return
	}
	if left := got.until.Sub(w.now); left <= 0 || left > w.grace {
		t.Fatalf("choice holds for %v, the grace is %v", left, w.grace)
	}
	before := choosePair(&got.pair, list, got.until.Add(-1), w.grace)
	after := choosePair(&got.pair, list, got.until, w.grace)
	if !slices.Equal(namesOf(before), namesOf(got)) || slices.Equal(namesOf(after), namesOf(got)) {
		t.Fatalf("choice %v until %v is %v just before and %v then", namesOf(got), got.until, namesOf(before), namesOf(after))
	}
}
