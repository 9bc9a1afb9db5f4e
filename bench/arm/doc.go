// Package arm runs the brokers that are compared: Seawall, Apache Kafka as it
// is shipped and with a flush for every message, klite, a broker that does
// nothing, and whatever listens at an address.
//
// Owns: how each is started, when it first acknowledges, what it uses (CPU,
// memory, allocations), topics on it, a loop
// device for a WAL on a raw one. Does not own: the processes
// (conformance/proc), what is asked of them (bench/suite).
//
// Goroutines: none of its own. Locks: none.
package arm
