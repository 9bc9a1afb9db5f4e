// Package cost turns work into dollars: what a run used, or what a workload
// would use in a month, priced by a dated list that users replace with theirs.
//
// Owns: the price list and its check, the models of the arms (how many requests,
// bytes and volumes a rate and a retention take), and the rate at which two of
// them cost the same. Does not own: measurements (bench/load, bench/arm), tables
// and drawings (bench/htmlreport). Pure: no goroutines, no locks.
//
// A price list is JSON, see [ReadPrices] and prices/. Amounts are US dollars. A
// GiB is 2^30 bytes, as AWS counts what it calls GB; a month has 730 hours.
package cost
