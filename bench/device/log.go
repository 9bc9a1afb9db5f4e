package device

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

const (
	// logPages is the memory that the log may fill: its pages are recycled as
	// soon as they are durable.
	logPages = 96
	// logPayloadBytes is one record of LogBandwidth: a batch of a busy
	// producer.
	logPayloadBytes = 128 << 10
)

// FlushBytes is the length of the device write that one record with a payload
// of the given length makes, when it is alone.
func FlushBytes(payloadBytes, blockBytes int) int {
	return int(walfmt.Padded(walfmt.FlushHeaderBytes+walfmt.RecordHeaderBytes+int64(payloadBytes), int64(blockBytes)))
}

// pages supplies a log with recycled memory and keeps none of it.
type pages struct{ *page.Pool }

func (p pages) Page() *page.Page { return p.Get() }

// counter is told of each record that became durable.
type counter struct{ bytes atomic.Int64 }

func (c *counter) Durable(err error) {
	if err == nil {
		c.bytes.Add(logPayloadBytes)
	}
}

// LogBandwidth appends records to a WAL in dir as fast as it takes them, each
// write of up to flushBytes and depth of them in flight, for d in written
// space, and returns durable payload bytes a second: what the device gives, less
// copying, checksums, headers and the log's own bookkeeping.
func LogBandwidth(ctx context.Context, dir string, flushBytes, depth int, d time.Duration) (rate float64, err error) {
	path := filepath.Join(dir, "wal.bench")
	vol, err := volume.OpenFiles(path, volume.Options{Cluster: ids.UUID{1}, Node: 1, CapacityBytes: fileBytes, Depth: depth})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, vol.Close(), removeAll(path)) }()
	area, err := vol.Create(volume.Spec{
		Instance: ids.NewUUID(func(b []byte) { _, _ = rand.Read(b) }), NodeEpoch: 1, WindowBytes: wal.WindowBytesDefault,
	})
	if err != nil {
		return 0, err
	}
	pool := page.NewPool(budget.New(1<<40).Account("pages", logPages*page.Size))
	log, err := wal.New(wal.Config{
		Area: area, Clock: clock.Wall(), Pages: pages{pool}, Depth: depth, FlushBytesMax: flushBytes, GatherBytesMin: flushBytes,
	})
	if err != nil {
		return 0, errors.Join(err, area.Close())
	}
	defer func() { err = errors.Join(err, log.Close()) }()

	written := new(counter)
	// Once around the ring, so that what is measured goes into written space.
	if err := appendUntil(ctx, log, written, func() bool { return written.bytes.Load() >= fileBytes }); err != nil {
		return 0, err
	}
	start, before := time.Now(), written.bytes.Load()
	err = appendUntil(ctx, log, written, func() bool { return time.Since(start) >= d })
	return float64(written.bytes.Load()-before) / time.Since(start).Seconds(), err
}

// appendUntil appends until enough, trimming behind what is durable.
func appendUntil(ctx context.Context, log *wal.Log, done wal.Completion, enough func() bool) error {
	rec := &wal.Record{Kind: walfmt.KindData, Stream: 1, StreamEpoch: 1, EndOffset: 1, Payload: make([]byte, logPayloadBytes)}
	for !enough() {
		_, err := log.Append(rec, done)
		log.Trim(log.DurableUpTo())
		if errors.Is(err, wal.ErrFull) {
			err = log.WaitSpace(ctx)
		}
		if err != nil {
			return err
		}
		rec.BaseOffset, rec.EndOffset = rec.EndOffset, rec.EndOffset+1
	}
	return nil
}

// removeAll removes a WAL's files, which share a beginning of their names.
func removeAll(path string) error {
	files, err := filepath.Glob(path + "*")
	for _, f := range files {
		err = errors.Join(err, os.RemoveAll(f))
	}
	return err
}
