// Package scenario is what load the harness applies: how many records of what
// kind are sent how fast to how many partitions, and who reads them.
//
// A scenario stands in a file of lines name=value; what begins with # is for
// people. [Fields] are the names, which are the command line's flags too. A rate
// is one of
//
//	2000/s                               even, in records
//	20MiB/s                              even, in bytes of keys and values
//	ramp 1000/s to 20000/s               rising evenly over the whole load
//	burst 2000/s in 100ms of each 1s     that on average, all of it in bursts
//	unlimited                            as fast as the clients can
//
// Owns: the words of a scenario, and how they are written. Does not own: the
// scenarios that come with Seawall (bench/scenarios), applying them (bench/load),
// what they are applied to (bench/arm). Goroutines and locks: none.
package scenario
