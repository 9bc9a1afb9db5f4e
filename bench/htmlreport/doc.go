// Package htmlreport draws a run of the harness: one HTML file that needs
// nothing else, with figures in SVG made here, the tables of bench/digest, what
// the arms cost (bench/cost) and the whole recipe.
//
// The page has no scripts and loads nothing. It follows the reader's light or
// dark colours, prints, and is readable on a phone. Arms are told apart without
// colour too: by markers, by labels at the lines' ends, and by dashes, which mean
// a simulated store everywhere. The same result makes the same bytes.
//
// Owns: the page, its figures and its style. Does not own: what a result says
// (bench/digest), axes and lines (bench/chart), prices and models (bench/cost).
// Goroutines and locks: none.
package htmlreport
