// Package fetch downloads one archive, from one or several URLs into a file
// beside its place, and gives it its name once all of it is there.
//
// Two servers pack the same slot into different bytes under the same name. So
// bytes of two sources are joined only where the digests that each of them
// publishes (/v1/snapshots/NAME) prove that they have the same; otherwise one
// source is read at a time and the others stand by. What is in an archive is
// judged by whoever reads it: see Config.Follow.
//
// Nothing a server sends chooses a path: files are named by Config.Name.
//
// Two hidden files beside the archive are a download under way, which the next
// Run continues, after a crash too:
//
//	.NAME.partial   the bytes, in their places
//	.NAME.journal   which pieces of them are good, and by what
package fetch
