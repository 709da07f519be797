// Package origin keeps servers that the configuration names in the directory of
// peers: it asks each every few seconds which snapshots it has, how it feels, and
// now and then how fast it is.
//
// Whatever leads to its archives as Agave does will do: a validator, Firedancer's
// snapshot server, a mirror, another solsnap. What it answers is not trusted. Only
// a canonical archive name is taken from it, never a host or a path, so that an
// entry leads nowhere but below the URL that the operator wrote.
package origin
