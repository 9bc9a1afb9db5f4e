package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/conformance/oracle/history"
)

// Reading is what a read from the first offset to the end came to.
type Reading struct {
	Records  int64
	Bytes    int64
	Duration time.Duration
}

// newReader is a client that reads all partitions from their start, and takes
// an offset that the broker does not have for an error instead of moving on.
func newReader(cfg Config) (*kgo.Client, error) {
	partitions := make(map[int32]kgo.Offset, cfg.Partitions)
	for p := range cfg.Partitions {
		partitions[p] = kgo.NewOffset().At(0)
	}
	return kgo.NewClient(append(cfg.clientOptions(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{cfg.Topic: partitions}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxWait(500*time.Millisecond),
	)...)
}

// followTail reads for as long as the load lives.
func (l *Load) followTail(cl *kgo.Client) {
	for l.ctx.Err() == nil {
		fetches := cl.PollFetches(l.ctx)
		if err := fetchError(fetches); err != nil {
			if l.ctx.Err() == nil {
				l.problem(fmt.Errorf("reading at the tail: %w", err))
			}
			return
		}
		if l.cfg.OnRead != nil && !fetches.Empty() {
			l.cfg.OnRead(time.Now())
		}
		l.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) {
			l.noteRead("the tail reader", r)
			l.tail[r.Partition] = r.Offset + 1
		})
		l.mu.Unlock()
	}
}

// noteRead tells the history of a record; l.mu is held.
func (l *Load) noteRead(name string, r *kgo.Record) {
	v, err := parsePayload(r.Value)
	if err != nil {
		if len(l.problems) < problemsMax {
			l.problems = append(l.problems, fmt.Errorf("%s, partition %d, offset %d: %w", name, r.Partition, r.Offset, err))
		}
		return
	}
	l.history.Read(name, v, history.Position{Partition: r.Partition, Offset: r.Offset})
}

func fetchError(fetches kgo.Fetches) error {
	var errs []error
	fetches.EachError(func(_ string, partition int32, err error) {
		errs = append(errs, fmt.Errorf("partition %d: %w", partition, err))
	})
	return errors.Join(errs...)
}

// ReadAll reads everything from the first offset to the ends that the topic has
// when it begins, with a client of its own.
func (l *Load) ReadAll(ctx context.Context) (Reading, error) {
	l.mu.Lock()
	l.readers++
	name := fmt.Sprintf("reader %d", l.readers)
	l.mu.Unlock()
	note := func(r *kgo.Record) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.noteRead(name, r)
	}
	return readAll(ctx, l.cfg, note)
}

func readAll(ctx context.Context, cfg Config, note func(*kgo.Record)) (Reading, error) {
	began := time.Now()
	cl, err := newReader(cfg)
	if err != nil {
		return Reading{}, err
	}
	defer cl.Close()
	left, err := ends(ctx, cl, cfg.Topic)
	if err != nil {
		return Reading{}, err
	}
	var reading Reading
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := errors.Join(context.Cause(ctx), fetchError(fetches)); err != nil {
			return reading, fmt.Errorf("reading back, %d records so far, still due %v: %w", reading.Records, left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			note(r)
			reading.Records++
			reading.Bytes += int64(len(r.Value))
			if end, ok := left[r.Partition]; ok && r.Offset >= end-1 {
				delete(left, r.Partition)
			}
		})
	}
	reading.Duration = time.Since(began)
	return reading, nil
}

// retryPause is between two looks at what is changing.
const retryPause = 50 * time.Millisecond

// ends are the end offsets of the partitions that have any record. Like any
// client it asks again while leaders change: kadm does not.
func ends(ctx context.Context, cl *kgo.Client, topic string) (map[int32]int64, error) {
	var listed kadm.ListedOffsets
	for {
		var err error
		listed, err = kadm.NewClient(cl).ListEndOffsets(ctx, topic)
		if err = errors.Join(err, listed.Error()); err == nil {
			break
		}
		if refused := (*kerr.Error)(nil); !errors.As(err, &refused) || !refused.Retriable {
			return nil, fmt.Errorf("listing end offsets: %w", err)
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return nil, fmt.Errorf("listing end offsets: %w", errors.Join(context.Cause(ctx), err))
		}
	}
	left := make(map[int32]int64)
	listed.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	return left, nil
}

// Verify pauses the producers, reads everything back, waits until the tail
// reader has come as far, and judges the history. The producers stay paused.
func (l *Load) Verify(ctx context.Context) (Reading, error) {
	if err := l.Pause(ctx); err != nil {
		return Reading{}, errors.Join(err, context.Cause(ctx), l.Problem())
	}
	reading, err := l.ReadAll(ctx)
	if err != nil {
		return reading, err
	}
	if err := l.waitTail(ctx); err != nil {
		return reading, err
	}
	return reading, errors.Join(l.Problem(), l.History(Judge))
}

// waitTail waits until the tail reader has seen every acknowledged record, or
// something is wrong: an error ends the tail reader.
func (l *Load) waitTail(ctx context.Context) error {
	cl, err := kgo.NewClient(l.cfg.clientOptions()...)
	if err != nil {
		return err
	}
	defer cl.Close()
	want, err := ends(ctx, cl, l.cfg.Topic)
	if err != nil {
		return err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		behind := false
		l.mu.Lock()
		for p, end := range want {
			behind = behind || l.tail[p] < end
		}
		l.mu.Unlock()
		if !behind {
			return nil
		}
		if err := l.Problem(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the tail reader does not come to the end: %w", errors.Join(context.Cause(ctx), l.Problem()))
		}
	}
}

// shownMax is how many findings an error names.
const shownMax = 20

// Judge is the findings of a history as an error, or nil.
func Judge(h *history.History) error {
	findings, more := h.Findings()
	var errs []error
	for i, f := range findings {
		if i == shownMax {
			errs = append(errs, fmt.Errorf("and %d findings more", len(findings)-i+more))
			break
		}
		errs = append(errs, errors.New(f.String()))
	}
	return errors.Join(errs...)
}

// VerifyLog reads everything back from a topic and judges it against a history
// that an earlier run has left.
func VerifyLog(ctx context.Context, brokers []string, topic string, h *history.History) (Reading, error) {
	cfg := Config{Brokers: brokers, Topic: topic}
	partitions, err := countPartitions(ctx, cfg)
	if err != nil {
		return Reading{}, err
	}
	cfg.Partitions = partitions
	var damaged []error
	reading, err := readAll(ctx, cfg, func(r *kgo.Record) {
		v, err := parsePayload(r.Value)
		if err != nil {
			if len(damaged) < problemsMax {
				damaged = append(damaged, fmt.Errorf("partition %d, offset %d: %w", r.Partition, r.Offset, err))
			}
			return
		}
		h.Read("the reader", v, history.Position{Partition: r.Partition, Offset: r.Offset})
	})
	return reading, errors.Join(err, errors.Join(damaged...), Judge(h))
}

func countPartitions(ctx context.Context, cfg Config) (int32, error) {
	cl, err := kgo.NewClient(cfg.clientOptions()...)
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	topics, err := kadm.NewClient(cl).ListTopics(ctx, cfg.Topic)
	if err := errors.Join(err, topics.Error()); err != nil {
		return 0, fmt.Errorf("looking up topic %s: %w", cfg.Topic, err)
	}
	return int32(len(topics[cfg.Topic].Partitions)), nil
}
