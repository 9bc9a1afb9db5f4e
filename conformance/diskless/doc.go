// Command diskless breaks the object store under a broker that acknowledges from
// it, and switches topics between that and the WAL, under load, and judges what
// is left.
//
//	diskless -seawall ./seawall -faults 100         a broker without WAL
//	diskless -seawall ./seawall -faults 100 -wal    one with, and a classic topic beside
//	diskless -seawall ./seawall -switch 10          a topic's mode switched under load
//
// The store is a simulated one in a process of its own, behind a gate that spoils
// single requests and a proxy that cuts, swallows or holds back all of them.
//
// A round of -faults: idempotent producers write; the store is away, or some of
// its requests are cut, answered with 500 and 503, answered late, or done without
// an answer; that ends, and the producers go on by their own retries, the broker by
// its. While nothing reaches the store, nothing that was sent meanwhile may be
// acknowledged; a classic topic goes on. Then everything is read back and the
// history is judged: nothing acknowledged may be lost, repeated, reordered or
// damaged, and a reader that followed the tail all along must agree. At the end
// the broker is restarted, for the first time, and all is read back again.
//
// With -switch, diskless.enable of a topic is changed under load, and each time it
// is waited for until acks take as long as the new mode makes them. Then the store
// is taken away for a moment to prove it: acks of the one mode stop and those of
// the other do not. The longest time without an ack in any partition is told for
// each switch. Everything is read from the first offset after each, under load, and
// judged at the end as above.
//
// The seed is printed; -seed takes it again.
//
// Goroutines: the load's, and those of the processes, gate and proxy. Locks:
// watch.mu, a leaf.
package main
