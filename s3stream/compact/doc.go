// Package compact will fold many small slices of a stream into few large
// objects (reserved: nothing here yet).
//
// What grows here: the choice of what to merge (pure), the merge itself, which
// copies data blocks byte for byte where it can and rewrites batches through
// s3stream.Rewriter where it must (compacted topics, adopted zone slices), and
// its one metadata command, which replaces objects and removes the old ones in
// the same step. It gives way to everything else (I9).
package compact
