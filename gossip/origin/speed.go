package origin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"solsnap/snapshot"
)

const (
	// measureFor is how long a measurement takes at most.
	measureFor = time.Second
	// leastMeasured is what tells something even if it came sooner: less was on its way
	// before the clock ran.
	leastMeasured = 256 << 10
)

// measure tells the directory how fast an origin is, if it is time to. That it cannot
// be measured now is no failure: a server may refuse downloads and answer all else.
func (w *watch) measure(ctx context.Context, name snapshot.Name) {
	if !w.measurable(name) {
		return
	}
	w.measured, w.measuredAt = name, time.Now()
	n, took, err := w.download(ctx, w.base.at(name.String()))
	if err != nil {
		w.cfg.Logger.Debug("speed of origin is not measured", "url", w.base.text, "err", err)
		return
	}
	w.cfg.Directory.SampleSpeed(w.key, uint64(n), took)
}

// measurable reports whether it is time to measure. That an archive is new hurries it
// up, but an origin with a new one each time does not make us download all day.
func (w *watch) measurable(name snapshot.Name) bool {
	wait := w.cfg.MeasureInterval
	if name != w.measured {
		wait /= 5
	}
	return w.cfg.MeasureBytes > 0 && (w.measuredAt.IsZero() || time.Since(w.measuredAt) >= wait)
}

// download reads the beginning of an archive and throws it away. The clock begins
// with the answer. Servers that have no ranges send more, which is cut off.
func (w *watch) download(parent context.Context, url string) (n int64, took time.Duration, _ error) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	limit := time.AfterFunc(w.cfg.Timeout, cancel)
	defer limit.Stop()
	response, _, err := w.cfg.ask(ctx, http.MethodGet, url, fmt.Sprintf("bytes=0-%d", w.cfg.MeasureBytes-1))
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusPartialContent {
		return 0, 0, newStatusError(response.StatusCode, response.Header)
	}
	began := time.Now()
	limit.Reset(measureFor)
	n, err = io.CopyN(io.Discard, response.Body, w.cfg.MeasureBytes)
	took = time.Since(began)
	whole := n >= leastMeasured || n == w.cfg.MeasureBytes
	switch {
	case parent.Err() != nil:
		return 0, 0, parent.Err()
	case took < measureFor && !whole:
		return 0, 0, fmt.Errorf("%d bytes in %v tell nothing: %w", n, took, err)
	}
	return n, took, nil
}
