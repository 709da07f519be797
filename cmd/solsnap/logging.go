package main

import (
	"io"
	"log/slog"
)

// newLogger logs to w in the format of the setting log-format. level can change
// while it is in use.
func newLogger(w io.Writer, format string, level *slog.LevelVar) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
