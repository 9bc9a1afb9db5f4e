// Package archtest keeps the house in the shape that docs/ARCHITECTURE.md
// draws. It reads the layer table of that page and reports every place where
// the source says otherwise.
//
// # What it checks
//
//   - Every package stands in the layer table, under its own path or under the
//     nearest listed folder above it, and every folder of the table has one.
//   - Imports point down or stay in their own row; never up. The pairs of the
//     "keep apart" table never import each other, in either direction.
//   - A pure package imports only pure packages of this module, and neither
//     does I/O, nor reads the wall clock, nor starts goroutines, nor takes
//     locks, nor draws randomness that was not handed in.
//   - Every package has a package comment.
//   - No file is longer than [MaxFileLines] and no function longer than
//     [MaxFuncLines], but for the entries of the exceptions file. An entry that
//     is larger than it must be is itself a violation, so the list can only
//     shrink.
//   - Links of the documentation lead to files that exist, and not to line
//     numbers.
//
// Test files are exempt: a test may reach across the house, and may be long.
//
// # What it does not check
//
// It looks at syntax only, at every non-test file whatever its build tags, and
// needs neither a build nor the go command. Purity is therefore judged by what
// a package names itself; third-party libraries are taken at their word.
//
// It owns no state, starts no goroutine, takes no lock, and reads through the
// [io/fs.FS] it is handed.
package archtest
