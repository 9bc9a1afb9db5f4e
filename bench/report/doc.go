// Package report holds what a run of the bench has measured, sets it against
// the numbers to reach, and prints it: a table for the terminal, the same in
// Markdown for docs/performance.md, and JSON with everything.
//
// Every ratio is of two figures of one run. MB and GB are powers of ten.
//
// Owns: the result types, the targets, the formats. Does not own: measuring
// (bench/suite). Goroutines and locks: none.
package report
