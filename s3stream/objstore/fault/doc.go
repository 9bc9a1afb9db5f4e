// Package fault wraps an object store so that it misbehaves as real ones do,
// for tests: server errors, throttling, a request that hangs, a write that
// succeeds while its answer is lost, an answer that breaks off, a listing that
// lags behind, slowness, and being away altogether.
//
// What happens to an operation is decided by a Script, a function of the
// operation, so that a test can aim at one; Seeded makes one that rolls dice,
// the same ones for the same seed as long as operations come in the same
// order.
//
// Owns: the decisions and their effects. Does not own: the objects.
// Goroutines: none. Locks: one leaf mutex, held over the Script (so that it
// may keep state), never over the store.
package fault
