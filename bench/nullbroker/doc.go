// Package nullbroker is a Kafka broker that keeps nothing and answers at once.
// What a load measures against it is the driver, the client and the loopback:
// the floor under every other figure. Its Pause makes a broker that stands
// still, for tests of the driver.
//
// Owns: a listener, its connections, one broker's metadata. Does not own:
// anything that a broker is for. Topics exist as soon as they are named.
//
// Goroutines: one for the listener, one a connection, until Close. Locks: one
// for pausing, one for the set of connections; both leaves.
package nullbroker
