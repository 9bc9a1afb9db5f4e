// Package mem is an object store in memory, for simulation and tests: exact,
// deterministic, and cheap to clone between two steps of a crash exploration.
//
// Owns: the objects of one Store. Does not own: faults (package fault wraps
// any store). It holds whatever is put into it, without a bound: never in
// production. Goroutines: none. Locks: one mutex a Store, a leaf.
package mem
