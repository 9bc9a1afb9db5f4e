package suite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/device"
	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/report"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/storeurl"
)

const (
	// coldBytes are in one partition.
	coldBytes = 1 << 30
	// uploadTimeout bounds the wait until all of it is in the store.
	uploadTimeout = 2 * time.Minute
	// uploadRestBytes in the WAL are bookkeeping, not records.
	uploadRestBytes = 4 << 20
	// getBytes is one plain ranged GET.
	getBytes = 8 << 20
)

// getDepths are how many plain GETs are in flight at a time; the best counts.
var getDepths = []int{1, 2, 4}

// cold reads a partition that is in the object store alone: as a consumer
// through the broker, and as plain ranged GETs.
func (s *suite) cold(ctx context.Context) error {
	err := s.coldFrom(ctx, "file", func(dir string) (coldStore, error) {
		path := filepath.Join(dir, "objects")
		return coldStore{url: "0@file://" + path, files: path, close: func() {}}, os.MkdirAll(path, 0o755)
	})
	return errors.Join(err, s.coldFrom(ctx, "s3", s.startS3))
}

// coldStore is an object store for a while.
type coldStore struct {
	url   string
	env   []string // lets a client in
	files string   // the folder that has the objects, to be dropped from the page cache
	close func()
}

func (s *suite) coldFrom(ctx context.Context, name string, open func(dir string) (coldStore, error)) error {
	dir, remove, err := s.folder()
	if err != nil {
		return err
	}
	defer remove()
	store, err := open(dir)
	if err != nil {
		return err
	}
	defer store.close()
	r := report.Cold{Store: name, Bytes: coldBytes}
	err = s.life(ctx, func(dir string) arm.Arm {
		return arm.Seawall(s.Seawall, walAt(dir, recoverWALBytes), "s3.wal.upload.interval.ms=1000").WithStore(store.url, store.env...)
	}, func(ctx context.Context, server *arm.Server) error {
		if err := fillStore(ctx, server, s.Settings.RecordBytes); err != nil {
			return err
		}
		for range s.Settings.Rounds {
			if err := s.coldOnce(ctx, server, store, &r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("from %s: %w", name, err)
	}
	s.report.Cold = append(s.report.Cold, r)
	return nil
}

// fillStore produces a partition and waits until it is uploaded.
func fillStore(ctx context.Context, server *arm.Server, recordBytes int) error {
	ctx, cancel := server.While(ctx, uploadTimeout)
	defer cancel()
	if err := server.CreateTopic(ctx, "cold", 1); err != nil {
		return err
	}
	if err := load.Fill(ctx, []string{server.Addr}, "cold", 1, recordBytes, coldBytes); err != nil {
		return err
	}
	for {
		metrics, err := server.Metrics(ctx)
		if err != nil {
			return err
		}
		if metrics["seawall_wal_untrimmed_bytes"] < uploadRestBytes && metrics["seawall_upload_bytes_total"] >= coldBytes {
			return nil
		}
		if err := device.Rest(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for uploads with %.0f bytes in the WAL: %w", metrics["seawall_wal_untrimmed_bytes"], err)
		}
	}
}

// coldOnce reads all with nothing cached anywhere.
func (s *suite) coldOnce(ctx context.Context, server *arm.Server, store coldStore, r *report.Cold) error {
	if err := server.Restart(ctx); err != nil {
		return err
	}
	if _, err := server.WaitReady(ctx); err != nil {
		return err
	}
	dropCache(store.files)
	if err := s.calm(ctx); err != nil {
		return err
	}
	ctx, cancel := server.While(ctx, lifeTimeout)
	defer cancel()
	s.profile(ctx, server, "cold-"+r.Store)
	consumed, err := consume(ctx, server.Addr, "cold")
	if err != nil {
		return err
	}
	if _, err := consume(ctx, server.Addr, "cold"); err != nil { // which brings history into the cache to stay
		return err
	}
	again, err := consume(ctx, server.Addr, "cold")
	if err != nil {
		return err
	}
	best := 0.
	for _, depth := range getDepths {
		dropCache(store.files)
		gets, err := plainGets(ctx, store.url, depth)
		if err != nil {
			return err
		}
		best = max(best, gets)
	}
	r.Consumer, r.Again, r.Gets = append(r.Consumer, consumed), append(r.Again, again), append(r.Gets, best)
	s.Log("cold from %s: consumer %.0f MB/s, again %.0f MB/s, plain GETs %.0f MB/s", r.Store, consumed/1e6, again/1e6, best/1e6)
	return nil
}

// consume reads a topic of one partition to its end, and returns bytes of keys
// and values a second.
func consume(ctx context.Context, addr, topic string) (float64, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	end, _ := ends.Lookup(topic, 0)
	start := time.Now()
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}})
	bytes := 0
	for next := int64(0); next < end.Offset; {
		fetches := client.PollFetches(ctx)
		if errs := fetches.Errors(); len(errs) > 0 {
			return 0, fmt.Errorf("reading %s from offset %d: %w", topic, next, errs[0].Err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			bytes += len(r.Key) + len(r.Value)
			next = r.Offset + 1
		})
	}
	return float64(bytes) / time.Since(start).Seconds(), nil
}

// plainGets reads every object of a store by ranged GETs, depth at a time, and
// returns bytes a second.
func plainGets(ctx context.Context, url string, depth int) (float64, error) {
	store, err := storeurl.Open(ctx, url, storeurl.Deps{Clock: clock.Wall(), Rand: rand.Int64N})
	if err != nil {
		return 0, err
	}
	defer store.Close()
	type span struct {
		key      string
		off, len int64
	}
	var spans []span
	total := int64(0)
	err = objstore.ListAll(ctx, store, "", func(e objstore.Entry) error {
		total += e.Size
		for off := int64(0); off < e.Size; off += getBytes {
			spans = append(spans, span{e.Key, off, min(getBytes, e.Size-off)})
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	work := make(chan span, len(spans))
	for _, sp := range spans {
		work <- sp
	}
	close(work)
	errs := make([]error, depth)
	var getting sync.WaitGroup
	start := time.Now()
	for i := range depth {
		getting.Go(func() {
			buf := make([]byte, getBytes)
			for sp := range work {
				if _, err := store.GetRange(ctx, sp.key, sp.off, buf[:sp.len]); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	getting.Wait()
	return float64(total) / time.Since(start).Seconds(), errors.Join(errs...)
}

// dropCache makes the kernel forget the pages of all files in a folder. What
// it cannot drop makes both readers faster, not one.
func dropCache(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer f.Close()
		_ = unix.Fdatasync(int(f.Fd())) // dirty pages are not dropped
		_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
		return nil
	})
}
