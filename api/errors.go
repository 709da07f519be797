package api

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http"

	"solsnap/middleware"
	"solsnap/snapshot"
)

// errMethod is a method that a route has not.
var errMethod = errors.New("method not allowed")

// problem is an error as clients see it (RFC 9457): a fixed phrase. The cause
// is for the log.
type problem struct {
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	RequestID string `json:"requestId,omitempty"`
}

// problems maps errors to answers; the first that matches is taken.
var problems = []struct {
	matches func(error) bool
	problem
}{
	{isNotFound, problem{Status: http.StatusNotFound, Title: "no such snapshot",
		Detail: "No archive of this name is listed. GET /v1/snapshots lists those that are."}},
	{isMethod, problem{Status: http.StatusMethodNotAllowed, Title: "method not allowed",
		Detail: "This path knows " + allowed + "."}},
	{isAnything, problem{Status: http.StatusInternalServerError, Title: "internal error"}},
}

func isNotFound(err error) bool {
	var name *snapshot.NameError
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &name)
}

func isMethod(err error) bool { return errors.Is(err, errMethod) }

func isAnything(error) bool { return true }

// fail answers with the problem that err maps to, and logs err with the ID of
// the request: as an error if it is ours.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	p.RequestID = middleware.RequestID(r.Header)
	level := slog.LevelDebug
	if p.Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	s.cfg.Logger.Log(r.Context(), level, "request failed", "request", p.RequestID, "path", r.URL.Path, "status", p.Status, "err", err)
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, p.Status, "application/problem+json", p)
}

func problemOf(err error) problem {
	for _, row := range problems {
		if row.matches(err) {
			return row.problem
		}
	}
	panic("the last row matches anything")
}
