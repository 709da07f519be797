package fetch

// Progress is how far a download is. Its numbers are of one moment, more or less.
type Progress struct {
	Size     int64 // bytes of the archive; 0 until a source has told
	Have     int64 // bytes in their places, those of an earlier Run included
	Good     int64 // of these, those of whole chunks whose digest is right or unknown
	Resumed  int64 // of these, those that were there when the sources now in use began
	Followed int64 // bytes that the Follower has read
	Rate     int64 // bytes per second over the last 10 s
	Sources  []SourceProgress
}

// SourceProgress is how a source does.
type SourceProgress struct {
	URL      string
	Received int64 // bytes, by this Run
	// Used: it is among those that are read now.
	Used bool
	// Err is what last went wrong; nil if nothing did.
	Err error
	// Gone: it was given up, for Err.
	Gone bool
}

// Progress may be called at any time, by anyone.
func (d *Download) Progress() Progress {
	var p Progress
	a := d.current.Load()
	if a != nil {
		p.Size, p.Resumed = a.board.size, a.board.kept
		p.Have, p.Good, _ = a.board.progress()
		p.Followed, p.Rate = a.followed.Load(), a.rate.Load()
	}
	for _, o := range d.origins {
		p.Sources = append(p.Sources, o.progress(a))
	}
	return p
}

func (o *origin) progress(a *attempt) SourceProgress {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := SourceProgress{URL: o.redacted(), Received: o.received, Err: o.err, Gone: o.gone != nil}
	if s.Gone {
		s.Err = o.gone
	}
	if a != nil && !s.Gone {
		for _, member := range a.team {
			s.Used = s.Used || member == o
		}
	}
	return s
}
