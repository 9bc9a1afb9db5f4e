// Package storetest is the acceptance suite of objstore.Store: what the rest
// of the system relies on, checked the same way for every backend and wrapper.
//
// Owns: Run; Probe (what a store can do, of what S3 allows) and ReadAll, for
// tests elsewhere too. Does not own: faults and retries, which have tests of
// their own.
// Each subtest gets a store of its own from the factory. Goroutines: those of
// the concurrency subtests, gone when they return. Locks: none.
package storetest
