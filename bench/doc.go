// Command bench measures Seawall beside the device it stands on and the
// brokers it is compared with, all in one run, and sets the ratios against the
// numbers to reach. `make bench` runs it; bench -help names the flags.
//
// It prints a table and, as ratios, the figures against those that
// docs/performance.md keeps. It writes the same as Markdown and everything as JSON
// to the output folder; with -page it also renews the part of a page between the
// two bench markers.
//
// It needs a quiet machine: nothing else running, and the scratch folder on
// the disk that is to be measured.
package main
