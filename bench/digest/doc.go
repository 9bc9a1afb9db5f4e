// Package digest says what a run of the harness found: a headline, what casts
// doubt on it, and a row an arm; for a terminal, for a page in Markdown, and for
// the drawn report (bench/htmlreport).
//
// A figure that comes from a simulated object store is never without the word,
// and an arm that lost something is named before any figure.
//
// Owns: which figures are shown, set against which, and with what warnings.
// Does not own: measuring them, their format (bench/result), drawings. Pure but
// for [Terminal], which asks whether it writes to one: no goroutines, no locks.
package digest
