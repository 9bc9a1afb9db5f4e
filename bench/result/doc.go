// Package result is what the harness leaves of a comparison: JSON for machines,
// from which reports are drawn and by which a run is repeated. The recipe stands
// in it whole.
//
// Durations are nanoseconds in JSON, times RFC 3339, rates a second.
//
// Owns: the types and their JSON. Does not own: measuring (bench/compare),
// drawing (bench/htmlreport). Goroutines and locks: none.
package result
