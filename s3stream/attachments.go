package s3stream

import (
	"context"
	"iter"

	"github.com/seawallmq/seawall/s3stream/read"
)

// Attachment is what a Summarizer noted of a part of a stream when it was
// uploaded; see read.Attachment.
type Attachment = read.Attachment

// Attachments gives, in offset order, what was noted of each part of the
// stream in objects that overlaps [from, upTo). Parts not yet in objects
// (from CommittedEnd on) are not among them. An error ends the iteration. An
// attachment's bytes are valid until the next step.
func (s *Stream) Attachments(ctx context.Context, from, upTo int64) iter.Seq2[Attachment, error] {
	return s.m.objects.Attachments(ctx, s.id, from, upTo)
}
