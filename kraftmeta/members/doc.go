// Package members gossips who is in reach, by hashicorp/memberlist: each node's
// zone, roles, addresses, load and health.
//
// All of it is hints. They may be late, lost or, without a key, a lie; no
// decision of safety rests on them. Who is fenced, who leads and where a record
// is are the controllers' to decide by heartbeats and commands.
//
// Owns: the gossip's sockets, and what this node tells of itself. Does not own:
// registration, leases and epochs (package kraftmeta), or what is made of a
// hint.
//
// # Who is let in
//
// Every packet and connection carries the cluster's id as its label: nodes of
// another cluster do not mix in, whatever their addresses. With a key it is
// encrypted and authenticated by AES-GCM, the label with it; a node without the
// key, or with another one, is not heard. A member whose hints cannot be read,
// or past membersMax of them, is refused.
//
// # Format
//
// What a member tells of itself is one frame (package wire) of at most
// memberlist's 512 bytes; see [Member]. A text that does not fit is cut. A frame
// of a later version is refused, and so is its member: hints do without it.
//
// # Goroutines and locks
//
// memberlist's own, one that joins the seeds, again and again, and one that
// tells what changed. Members.mu is a leaf, taken under memberlist's locks;
// Config.Changed is called under those too.
package members
