package rescue

import (
	"context"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/logcache"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/read"
	"github.com/seawallmq/seawall/s3stream/tail"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// Meta is what a rescue needs of the metadata.
type Meta interface {
	// Tails lists the tails in an instance that objects do not hold whole, open
	// and closed.
	Tails(instance ids.WALInstance) []meta.Tail
	// RescueWAL makes this node the holder of the instance and closes its open
	// tails where ends says, by one command. Tails that ends does not name
	// close with nothing past their committed end.
	RescueWAL(ctx context.Context, instance ids.WALInstance, ends []meta.TailEnd) error
}

// Listener hears, as the log is read, what an instance has of streams past what
// objects hold, so that nobody need read it again to know it.
type Listener interface {
	// Record is told of the batches for [base, end), opening by opening of the
	// streams in the order of their offsets. The bytes are valid during the call.
	// Should the rescue fail, what was heard means nothing.
	Record(stream ids.StreamID, epoch ids.StreamEpoch, base, end int64, batches []byte)
	// Mark is told, in the order of the log, what Stream.Mark noted of a stream
	// whose tail the instance has, as of an offset.
	Mark(stream ids.StreamID, epoch ids.StreamEpoch, offset int64, note []byte)
}

// Config is what a rescue is made of.
type Config struct {
	Meta     Meta
	Instance ids.WALInstance
	// Recover reads the fenced instance from the metadata's trim position on:
	// wal.Recover.
	Recover func(ctx context.Context, visit func(*walfmt.Record) error) (*wal.Recovered, error)
	Cache   *logcache.Cache
	Frame   read.Framer
	// Listener may be nil.
	Listener Listener
}

// Rescued is an instance whose ends are fixed, ready to be served and uploaded.
type Rescued struct {
	Instance ids.WALInstance
	Window   *tail.Window
	// From and End are the positions of what was recovered: what a volume must
	// keep.
	From, End int64
	// Offsets counts what was found past the committed ends.
	Offsets int64
	log     *wal.Recovered
}

// Rescue recovers an instance, reports every stream's end in one command, and
// returns the window that serves what is not in objects yet. On an error
// nothing was reported, or, if the command's outcome is unknown, the same was:
// Rescue may be called again.
func Rescue(ctx context.Context, cfg Config) (*Rescued, error) {
	f := newFinder(cfg.Meta.Tails(cfg.Instance))
	window := cfg.Cache.NewWindow()
	r, err := rescue(ctx, cfg, f, window)
	if err != nil {
		window.Close()
		return nil, fmt.Errorf("rescue WAL %s: %w", cfg.Instance, err)
	}
	return r, nil
}

func rescue(ctx context.Context, cfg Config, f *finder, window *logcache.Window) (*Rescued, error) {
	log, err := cfg.Recover(ctx, func(r *walfmt.Record) error {
		if r.Kind == walfmt.KindMark {
			if cfg.Listener != nil && f.has(r) {
				cfg.Listener.Mark(r.Stream, r.StreamEpoch, r.BaseOffset, r.Payload)
			}
			return nil
		}
		needed, err := f.record(r)
		if needed {
			window.Appended(wal.EntryOf(r))
			if cfg.Listener != nil {
				cfg.Listener.Record(r.Stream, r.StreamEpoch, r.BaseOffset, r.EndOffset, r.Payload)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	ends, err := f.ends()
	if err == nil {
		err = cfg.Meta.RescueWAL(ctx, cfg.Instance, ends)
	}
	if err != nil {
		_ = log.Close()
		return nil, err
	}
	window.Attach(log)
	out := &Rescued{Instance: cfg.Instance, From: log.From, End: log.End, log: log}
	known := map[ids.StreamID][]tail.Span{}
	for _, t := range f.order {
		if t.end > t.from {
			known[t.Stream] = append(known[t.Stream], tail.Span{Epoch: t.Epoch, Start: t.from, End: t.end})
			out.Offsets += t.end - t.from
		}
	}
	out.Window = tail.NewWindow(window, log, known, cfg.Frame)
	return out, nil
}

// Close lets go of the instance, which nobody needs any more.
func (r *Rescued) Close() error {
	r.Window.Close()
	return r.log.Close()
}
