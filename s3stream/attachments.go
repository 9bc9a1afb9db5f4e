package s3stream

import (
	"context"
	"iter"

	"github.com/seawallmq/seawall/s3stream/read"
)

// Attachment is the summary of a part of a stream; see read.Attachment.
type Attachment = read.Attachment

// Attachments gives, in offset order, the summaries of the parts of the stream
// in objects that overlap [from, upTo). What is not in objects yet, from
// CommittedEnd on, has none. An error ends the iteration. A summary is valid
// until the next step.
func (s *Stream) Attachments(ctx context.Context, from, upTo int64) iter.Seq2[Attachment, error] {
	return s.m.objects.Attachments(ctx, s.id, from, upTo)
}
