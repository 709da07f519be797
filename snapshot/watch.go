package snapshot

import (
	"errors"
	"io/fs"
	"log/slog"

	"github.com/fsnotify/fsnotify"
)

// watcher hears of changes in directories, where the kernel tells. It is owned
// by Run. Without it, scans are only less prompt.
type watcher struct {
	logger  *slog.Logger
	notify  *fsnotify.Watcher // nil if there is no inotify to be had
	watched map[string]bool   // directories, existing ones; true if the last attempt succeeded
}

func newWatcher(logger *slog.Logger, off bool) *watcher {
	w := &watcher{logger: logger, watched: make(map[string]bool)}
	if off {
		return w
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		logger.Warn("directories cannot be watched and are only read at intervals; raise fs.inotify.max_user_instances", "err", err)
		return w
	}
	w.notify = notify
	return w
}

// watch makes sure that the directory that is now at path is watched. Watching
// one twice costs a system call, and is how one that was made anew is found.
func (w *watcher) watch(path string) {
	if w.notify == nil {
		return
	}
	err := w.notify.Add(path)
	if errors.Is(err, fs.ErrNotExist) {
		delete(w.watched, path)
		return
	}
	if ok, tried := w.watched[path]; err != nil && (ok || !tried) {
		w.logger.Warn("directory cannot be watched and is only read at intervals; raise fs.inotify.max_user_watches",
			"path", path, "err", err)
	}
	w.watched[path] = err == nil
}

// events is nil, which is never ready, without inotify.
func (w *watcher) events() <-chan fsnotify.Event {
	if w.notify == nil {
		return nil
	}
	return w.notify.Events
}

// errors tell that events were lost, usually fsnotify.ErrEventOverflow.
func (w *watcher) errors() <-chan error {
	if w.notify == nil {
		return nil
	}
	return w.notify.Errors
}

// close ends the watching, and waits for its goroutine.
func (w *watcher) close() {
	if w.notify != nil {
		_ = w.notify.Close() // it never fails
	}
}
