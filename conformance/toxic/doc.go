// Package toxic stands between servers and those who use them, and can seem to
// be their loss: a proxy that refuses or swallows connections, and an S3 server
// behind one.
//
// Owns: the proxy, and the S3 server's process. Does not own: when what is
// lost. Goroutines: see [Proxy]. Locks: Proxy.mu, a leaf.
package toxic
