// Package load drives a broker with idempotent kgo producers and keeps a
// history of what they were told and what readers saw: the oracle of the
// conformance runs. The broker may be killed and started again meanwhile; the
// producers retry for ever.
//
// Owns: the clients, the pace, the payloads (a function of the value they
// carry, so that a reader knows a damaged one), and the history while it grows.
// Does not own: the judgement, which is package history's, and the broker.
// Goroutines: one a producer and one for the tail reader, all ended by Close,
// besides kgo's own. Locks: one, Load.mu, held for a few map and slice
// operations; kgo's callbacks take it.
package load
