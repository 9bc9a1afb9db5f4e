// Package scenario is what load the harness applies: how many records of what
// kind are sent how fast to how many partitions, and who reads them.
//
// Owns: the words of a scenario. Does not own: applying it (bench/load), what it
// is applied to (bench/arm). Goroutines and locks: none.
package scenario
