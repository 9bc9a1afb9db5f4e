// Package chart draws lines and ranges as SVG that stands inside an HTML page.
//
// A [Chart] is panels one below the other over one horizontal axis; [Ranges] are
// rows of quantiles over one axis. Each line is told apart by a colour, a marker
// and its name at its end; one that is Simulated is dashed, with hollow markers,
// and the drawing then says so in words.
//
// Colours are the page's: elements carry the classes s0 to s7 (which set --c) and
// those of [Classes]. Sizes are in the units of the viewBox, so that a drawing
// fills whatever width the page gives it.
//
// What cannot be drawn is left out: values that are not numbers, and those that
// are not positive on a logarithmic axis. The same input makes the same bytes.
//
// Owns: scales, ticks, labels that do not overlap, markers. Does not own: what is
// drawn, colours (bench/htmlreport). Pure: no goroutines, no locks.
package chart
