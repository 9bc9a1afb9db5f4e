package upload

import "github.com/seawallmq/seawall/internal/ids"

// Summarizer notes of a part of a stream what readers would otherwise have to
// scan for (timestamps, leader epochs, producers). It knows what batches are;
// this layer does not.
type Summarizer interface {
	// Begin starts the summary of a part of stream that begins at offset start.
	// The parts of a stream come in order and each begins where the one before
	// ended, but a part whose upload is repeated is summarized again, and parts
	// of different streams are summarized concurrently.
	Begin(stream ids.StreamID, start int64) Summary
}

// SummaryBytes is how much of a batch is enough to summarize it: its header,
// and all of it where the record matters, as in a transaction's marker.
const SummaryBytes = 1 << 10

// Summary is the summary of one part under way.
type Summary interface {
	// Add is given every batch of the part once, in order: its first bytes, all
	// of them or at least SummaryBytes. They are valid until Add returns. Where the
	// CRC32C of the whole batch is quicker found there than by reading all of it,
	// known is true.
	Add(batch []byte) (crc32c uint32, known bool)
	// Finish is the attachment to store beside the part, or empty.
	Finish() []byte
}
