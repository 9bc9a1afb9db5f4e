package partition

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream"
)

// memStream is a stream in memory whose appends become durable when the test
// says so.
type memStream struct {
	start, committed int64
	batches          [][]byte
	ends             []int64
	durable          int  // batches
	summed           bool // the newest batch came with its sum
	pending          []s3stream.Completion
	refuse           error
	lostUpTo         int64 // what is before it was given up
	marks            [][]byte
	attachments      []s3stream.Attachment
	direct           bool
}

func (s *memStream) ID() ids.StreamID       { return 7 }
func (s *memStream) Epoch() ids.StreamEpoch { return 3 }
func (s *memStream) StartOffset() int64     { return s.start }
func (s *memStream) CommittedEnd() int64    { return s.committed }
func (s *memStream) LogBytes() int64        { return 0 }
func (s *memStream) End() int64             { return s.endOf(len(s.ends)) }
func (s *memStream) DurableEnd() int64      { return s.endOf(s.durable) }

func (s *memStream) endOf(n int) int64 {
	if n == 0 {
		return 0
	}
	return s.ends[n-1]
}

func (s *memStream) Append(b s3stream.Batch, done s3stream.Completion) error {
	if s.refuse != nil {
		return s.refuse
	}
	if b.HasCRC && b.CRC != crc.Of(b.Bytes) {
		return errors.New("the batch has another sum")
	}
	s.summed = b.HasCRC
	s.batches = append(s.batches, append([]byte(nil), b.Bytes...))
	s.ends = append(s.ends, b.EndOffset)
	s.pending = append(s.pending, done)
	return nil
}

func (s *memStream) Mark(note []byte, done s3stream.Completion) error {
	s.marks = append(s.marks, append([]byte(nil), note...))
	done.Durable(nil)
	return nil
}

// settle completes the oldest n appends with err.
func (s *memStream) settle(n int, err error) {
	done := s.pending[:n]
	s.pending = s.pending[n:]
	for _, d := range done {
		if err == nil {
			s.durable++
		}
		d.Durable(err)
	}
}

func (s *memStream) TryRead(from, upTo int64, opt s3stream.ReadOptions) (s3stream.Result, bool) {
	res := s3stream.Result{NextOffset: from}
	for i, end := range s.ends {
		first := len(res.Segments) == 0
		if end <= from || end > upTo || res.Bytes()+len(s.batches[i]) > opt.MaxBytes && !(first && opt.MinOne) {
			continue
		}
		res.Append(s.batches[i], nil)
		res.NextOffset = end
	}
	return res, true
}

func (s *memStream) Read(_ context.Context, from, upTo int64, opt s3stream.ReadOptions) (s3stream.Result, error) {
	res, _ := s.TryRead(from, upTo, opt)
	return res, nil
}

func (s *memStream) Attachments(_ context.Context, from, upTo int64) iter.Seq2[s3stream.Attachment, error] {
	return func(yield func(s3stream.Attachment, error) bool) {
		for _, a := range s.attachments {
			if a.Start < upTo && a.End > from && !yield(a, nil) {
				return
			}
		}
	}
}

func (s *memStream) Trim(_ context.Context, newStart int64) error {
	s.start = newStart
	return nil
}

func (s *memStream) Trimmed(newStart int64) { s.start = max(s.start, newStart) }

func (s *memStream) IsLost(offset int64) bool { return offset < s.lostUpTo }

func (s *memStream) Close(context.Context) (int64, error) { return s.End(), nil }

// quota is memory for so many bytes.
type quota struct{ left int64 }

func (q *quota) TryAcquire(n int64) bool {
	if n > q.left {
		return false
	}
	q.left -= n
	return true
}

func (q *quota) Release(n int64) { q.left += n }

// open makes a partition as a Set does.
func open(t *testing.T, s *memStream, memory *quota) *Partition {
	t.Helper()
	p := &Partition{
		Identity: Identity{Topic: "t"}, leaderEpoch: int32(s.Epoch()), stream: s, memory: memory,
		end: s.End(), hw: s.End(), producers: newProducers(), where: nowhere,
	}
	p.epochs.begin(p.leaderEpoch, p.end)
	p.settings.Store(&config.Topic{})
	if err := p.restore(context.Background(), p.plan()); err != nil {
		t.Fatal(err)
	}
	return p
}

// sent is an append under test and what became of it.
type sent struct {
	Append
	answers int
}

func (s *sent) AppendDone(*Append) { s.answers++ }

// produce appends records by producer pid (-1: none) from a sequence on.
func produce(t *testing.T, p *Partition, pid int64, epoch int16, seq int32, records int, ms int64) (*sent, error) {
	t.Helper()
	b := batch.NewBuilder()
	b.ProducerID, b.ProducerEpoch, b.BaseSequence = pid, epoch, seq
	for range records {
		b.Add(ms, nil, []byte("v"))
	}
	raw := b.AppendTo(nil)
	info, err := batch.Validate(raw, batch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &sent{Append: Append{Batch: raw, Info: info, LeaderEpoch: -1}}
	s.Done = s
	return s, p.Append(&s.Append, 1000)
}

func mustProduce(t *testing.T, p *Partition, pid int64, epoch int16, seq int32, records int) *sent {
	t.Helper()
	s, err := produce(t, p, pid, epoch, seq, records, 500)
	if err != nil {
		t.Fatalf("producer %d epoch %d sequence %d: %v", pid, epoch, seq, err)
	}
	return s
}

var errDisk = errors.New("disk gone")

func (s *memStream) IsDirect() bool { return s.direct }

func (s *memStream) WaitSpace(context.Context) error { return nil }
