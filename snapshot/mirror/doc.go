// Package mirror decides what to download: which offers to believe, which pair of
// snapshots has a validator caught up first, and from whom to take it. A Proof
// verifies an archive while it arrives.
//
// The decisions are pure: offers and what known validators announced in, plans and
// refusals out. Whoever calls has the directory, the network and the disk.
package mirror
