// Package lease judges which nodes are alive, by their heartbeats: a step
// function that the active controller keeps and calls with the time.
//
// A lease detects death; it guards no data. A node that is paused past the end
// of its lease, or a controller that is late, costs a failover at worst: what
// is acknowledged and what is overwritten hang on epochs and fences alone.
//
// Owns: the time of every node's last sign of life under the present active
// controller, and how long silence may last. Does not own: the clock, what a
// heartbeat carries, or what is done about the dead. Pure: no goroutines, no
// locks.
package lease
