// Package duties is what the active controller does by itself: it fences nodes
// whose leases are over, has their WALs rescued, gives the partitions they led
// to others, and evens out load.
//
// Owns: the leases of the present term, the failures that rescuers reported,
// the loads that nodes reported, and the order in which duties are done: the
// dead first, comfort last. Does not own: who is chosen (kraftmeta/balance),
// what a command may do (kraftmeta/image), or the heartbeats' wire form
// (broker). What is done is done by commands that carry what they expect: a
// controller that was deposed without knowing it can do no harm.
//
// Nothing here outlasts a term: a new active controller begins with what the
// image says, and with a whole session for every node.
//
// Goroutines: one, in [Duties.Run]. Locks: mu guards what heartbeats and
// reports write; only the image is read under it, and nothing that blocks.
package duties
