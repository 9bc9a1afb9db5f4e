// Package suite says what is measured, in which order and how often, and
// fills in a report.
//
// The parts: device (the disk by the WAL's code and by fio), produce (the
// loads on every broker, which take turns), fence (Seawall with an exclusive
// and with a shared WAL, window about), start, recovery, cold and idle
// (Seawall alone). A part that fails leaves a fault in the report, and the
// others go on.
//
// Owns: the plan and the scratch folder. Does not own: loads (bench/load),
// brokers (bench/arm), judgement and print (bench/report). Goroutines: none
// that outlive a part. Locks: none.
package suite
