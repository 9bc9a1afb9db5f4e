// Package soak puts a broker under a long load, watches what it holds meanwhile,
// and judges whether it grows: memory, goroutines, open files.
//
// The topic keeps little and its objects are deleted soon, so that retention and
// garbage collection work all the time too; a consumer group reads at the tail, and
// has to get as many records as were acknowledged.
//
// Owns: taking samples, the judgement. Does not own: the load (bench/load), the
// broker (bench/arm). Goroutines: Watch, for a Run. Locks: none.
package soak
