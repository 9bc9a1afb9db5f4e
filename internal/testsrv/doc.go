// Package testsrv runs real servers for tests, as processes of their own: what
// an in-process fake would forgive, these do not.
//
// Owns: building versitygw, an S3 server, once into .cache/bin of the checkout
// (pinned, outside this module's dependencies, never linked), and the life of
// the processes it starts. A server that cannot be built or started fails the
// test that wants it: nothing is skipped. Does not own: what is tested.
// Goroutines: one a process, gone when the test ends. Locks: a file lock, so
// that test binaries running at once build only once.
package testsrv
