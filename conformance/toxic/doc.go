// Package toxic stands between servers and those who use them, and can seem to
// be their loss: a proxy that refuses or swallows connections, a gate that spoils
// single requests, and an S3 server behind one, or a simulated one behind both.
//
// Owns: the proxy, the gate, and the S3 server's process. Does not own: when what
// is lost. Goroutines: see [Proxy] and [Gate]. Locks: Proxy.mu and Gate.mu, leaves.
package toxic
