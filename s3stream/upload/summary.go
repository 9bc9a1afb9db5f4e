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

// Summary is the summary of one part under way.
type Summary interface {
	// Add is given every batch of the part once, in order. batch is valid until
	// Add returns.
	Add(batch []byte)
	// Finish is the attachment to store beside the part, or empty.
	Finish() []byte
}
