// Package soak watches what a broker holds while it is under a long load, and
// judges whether it grows: memory, goroutines, open files.
//
// Owns: taking samples, the judgement. Does not own: the load (bench/load), the
// broker (bench/arm). Goroutines: Watch runs in its caller's. Locks: none.
package soak
