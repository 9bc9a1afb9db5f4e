// Package proc runs brokers and other servers as processes that are to be
// killed, for the conformance programs.
//
// Owns: processes from start to end, which die with their parent, their output
// in a file, and looks at them from outside: ready, resident memory, metrics; the
// folder of a run, the lines that tell of its parts.
// Does not own: what runs. Goroutines: one a process, gone when it has ended.
// Locks: none.
package proc
