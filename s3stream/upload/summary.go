package upload

import "github.com/seawallmq/seawall/internal/ids"

// Summarizer notes of a part of a stream what readers would otherwise have to
// scan for (timestamps, leader epochs, producers). It knows what batches are;
// this layer does not.
type Summarizer interface {
	// Begin starts the summary of a part of stream that begins at offset start.
	// Parts of a stream come in order; each is uploaded in one object.
	Begin(stream ids.StreamID, start int64) Summary
}

// Summary is the summary of one part under way.
type Summary interface {
	// Add is given every batch of the part once, in order. batch is valid until
	// Add returns.
	Add(batch []byte)
	// Finish is the attachment to store beside the part, or empty. At most
	// SummaryBytesMax.
	Finish() []byte
}

// SummaryBytesMax bounds one attachment.
const SummaryBytesMax = 1 << 20
