// Package kraftmeta keeps the cluster's metadata agreed upon and followed:
// commands go through consensus on the controllers, and every node observes a
// feed of a snapshot and deltas.
//
// Owns: consensus (hashicorp/raft), its log and snapshots on disk, the feed,
// observers and the submission of commands. Does not own: what the metadata is
// and how it may change (package image).
package kraftmeta
