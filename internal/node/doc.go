// Package node wires the parts of one process together; it decides nothing.
// Read [Node.Start] as the table of contents of the program:
//
//	store      where objects lie                          (storage.go, identity.go)
//	gossip     hints told and heard                       (gossip.go)
//	metadata   controller, its feed, this node's image    (metadata.go, quorum.go)
//	membership registration, heartbeats                   (metadata.go, lease.go)
//	streams    WAL, log cache, rescue of old instances    (storage.go)
//	partitions the Kafka log on the streams               (kafka.go)
//	groups     coordinators on __consumer_offsets         (kafka.go)
//	APIs       requests to all of the above               (kafka.go)
//	listeners  clients last, when everything is ready     (listen.go)
//
// What it does for a cluster afterwards:
//
//	take-over  rescues of dead nodes' WALs                (takeover.go, attach.go, abandon.go)
//	tails      closed ones, served to and had from others (tails.go, messages.go)
//	leaving    a drain hands over, uploads, says farewell (leave.go)
//	watched    health, metrics, loads, status             (health.go, watched.go, loads.go, standing.go)
//
// Owns: the order in which parts start and stop, the memory budget and who has
// which share of it, metrics. Does not own: any part's work.
//
// Goroutines: the parts' own, one a listener, and one that watches for a part
// that failed for good. Locks: Node.mu, over the state that health checks see;
// a leaf.
package node
