// Package members will gossip who is in reach, by hashicorp/memberlist: hints
// for the controller, which alone decides who is fenced.
//
// Owns: the gossip, and a node's advertised role, zone and endpoints in it.
// Does not own: registration, leases and epochs (package kraftmeta). Nothing
// is built here yet: nodes know each other by the metadata, and the controller
// hears of load and life by heartbeats.
package members
