package node

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/internal/config"
)

// smallConfig is devConfig with a WAL that is quick to make and to copy.
func smallConfig(t *testing.T, dir string, overrides map[string]string) *config.Config {
	all := map[string]string{"s3.wal.path": "0@file://" + dir + "/wal?capacity=64MiB"}
	for k, v := range overrides {
		all[k] = v
	}
	return devConfig(t, dir, all)
}

// refusal is why a node does not start.
func refusal(t *testing.T, cfg *config.Config) string {
	t.Helper()
	n, err := New(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(deadline(t)); err != nil {
		return err.Error()
	}
	n.Close()
	t.Fatal("the node started")
	return ""
}

func wantWords(t *testing.T, got string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(got, w) {
			t.Errorf("%q does not say %q", got, w)
		}
	}
}

// stopAt closes a node and leaves its records in the WAL.
func stopAt(t *testing.T, n *Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// keepInWAL makes uploads so rare that a test's records are in the WAL alone.
var keepInWAL = map[string]string{"s3.wal.upload.interval.ms": "3600000"}

func TestMalformedFrames(t *testing.T) {
	n := start(t, smallConfig(t, t.TempDir(), nil))
	produce(t, n, "t", 0, 1)
	frame := func(length int32, key, version int16) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(length))
		b = binary.BigEndian.AppendUint16(b, uint16(key))
		return append(binary.BigEndian.AppendUint16(b, uint16(version)), 0, 0, 0, 1, 0xff, 0xff)
	}
	for name, b := range map[string][]byte{
		"2 GiB":                            frame(1<<31-1, 0, 9),
		"negative":                         frame(-1, 0, 9),
		"empty":                            frame(0, 0, 9),
		"http":                             []byte("GET / HTTP/1.1\r\nHost: broker\r\n\r\n"),
		"tls":                              append([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, make([]byte, 64)...),
		"unknown API":                      frame(10, 999, 0),
		"negative API":                     frame(10, -1, 0),
		"between brokers":                  frame(10, 1000, 0),
		"unknown version":                  frame(10, 1, 99),
		"produce v2":                       frame(10, 0, 2),
		"no body":                          frame(10, 3, 1),
		"array of 2^31":                    append(frame(14, 3, 1), 0x7f, 0xff, 0xff, 0xff),
		"produce of many empty partitions": manyPartitions(produceTooMany),
	} {
		c := dialRaw(t, n)
		if err := c.send(b); err != nil {
			t.Logf("%s: closed while it was sent: %v", name, err)
		}
		if err := c.closed(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	half := dialRaw(t, n) // stays open, and in nobody's way
	if err := half.send(frame(1000, 0, 9)); err != nil {
		t.Fatal(err)
	}
	produce(t, n, "t", 1, 1)
	consume(t, n, "t", 2)
}

const produceTooMany = 1 << 20

// manyPartitions is a produce request v12 of so many partitions without records.
func manyPartitions(count int) []byte {
	b := []byte{0, 0, 0, 0 /* length */, 0, 0, 0, 12, 0, 0, 0, 1, 0xff, 0xff, 0 /* tags */, 0 /* transaction */, 0, 1, 0, 0, 3, 0xe8, 2, 2, 't'}
	b = binary.AppendUvarint(b, uint64(count+1))
	b = append(b, make([]byte, 6*count+2)...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func TestUnusableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantWords(t, refusal(t, smallConfig(t, filepath.Join(file, "data"), nil)), "start object store", file, "not a directory")

	dir := t.TempDir()
	said := refusal(t, smallConfig(t, dir, map[string]string{"s3.wal.path": "0@file://" + file + "/wal?capacity=64MiB"}))
	wantWords(t, said, "start streams", file+"/wal", "not a directory")
	start(t, smallConfig(t, dir, nil)) // the refusal left nothing in the way
	wantWords(t, refusal(t, smallConfig(t, dir, nil)), dir, "another process is using it")
}

func TestForeignOrMissingWAL(t *testing.T) {
	dirs := [2]string{t.TempDir(), t.TempDir()}
	for _, dir := range dirs {
		n := start(t, smallConfig(t, dir, keepInWAL))
		produce(t, n, "t", 0, 10)
		stopAt(t, n)
	}
	mine := filepath.Join(dirs[0], "wal")
	kept := mine + "-kept"
	if err := os.Rename(mine, kept); err != nil {
		t.Fatal(err)
	}
	wantWords(t, refusal(t, smallConfig(t, dirs[0], nil)), "WAL instance", "is not in "+mine, "acknowledged records")

	if err := os.Rename(filepath.Join(dirs[1], "wal"), mine); err != nil {
		t.Fatal(err)
	}
	wantWords(t, refusal(t, smallConfig(t, dirs[0], nil)), mine, "belongs to cluster")
	wantWords(t, refusal(t, smallConfig(t, dirs[0], map[string]string{"node.id": "2"})), "is of node 1, this is node 2")

	if err := os.Rename(kept, mine); err != nil {
		t.Fatal(err)
	}
	consume(t, start(t, smallConfig(t, dirs[0], nil)), "t", 10) // no refusal changed anything
}

func TestDamagedWAL(t *testing.T) {
	dir := t.TempDir()
	n := start(t, smallConfig(t, dir, keepInWAL))
	for i := range 8 {
		produce(t, n, "t", i, 1)
	}
	stopAt(t, n)
	path := filepath.Join(dir, "wal")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	third := flushAt(t, whole, 2)
	damaged := bytes.Clone(whole)
	damaged[third+100] ^= 0x40
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	said := refusal(t, smallConfig(t, dir, nil))
	wantWords(t, said, "is corrupt", fmt.Sprintf("no valid flush at position %d", third-flushAt(t, whole, 0)),
		"acknowledged records are lost or damaged", "seawall wal dump")
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, damaged) {
		t.Errorf("the refused start changed the WAL (%v)", err)
	}

	// What was torn behind the last flush ends the log.
	end := flushAt(t, whole, 7) + 512
	torn := append(bytes.Clone(whole[:end]), bytes.Repeat([]byte{0xa5}, len(whole)-end)...)
	if err := os.WriteFile(path, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	consume(t, start(t, smallConfig(t, dir, nil)), "t", 8)
}

// flushAt finds where the i-th flush stands in a WAL's file.
func flushAt(t *testing.T, file []byte, i int) int {
	t.Helper()
	for at := 0; at < len(file); at += 512 {
		if bytes.HasPrefix(file[at:], []byte("SWFL")) {
			if i--; i < 0 {
				return at
			}
		}
	}
	t.Fatal("the WAL has too few flushes")
	return 0
}

func TestDamagedMetadata(t *testing.T) {
	dir := t.TempDir()
	stopAt(t, start(t, smallConfig(t, dir, nil)))
	path := filepath.Join(dir, "metadata", "raft.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("no database"), 1<<12), 0o600); err != nil {
		t.Fatal(err)
	}
	wantWords(t, refusal(t, smallConfig(t, dir, nil)), "start metadata", path, "damaged")
}

// A drain under load loses nothing that was acknowledged.
func TestDrainUnderLoad(t *testing.T) {
	dir := t.TempDir()
	n := start(t, smallConfig(t, dir, nil))
	c := client(t, n, kgo.RecordDeliveryTimeout(5*time.Second), kgo.ProducerLinger(0))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var acked atomic.Int64
	enough := make(chan struct{})
	go func() {
		defer close(enough)
		for i := 0; acked.Load() < 2000; i++ {
			c.Produce(ctx, &kgo.Record{Topic: "t", Value: fmt.Append(nil, i)}, func(_ *kgo.Record, err error) {
				if err == nil {
					acked.Add(1)
				}
			})
		}
	}()
	<-enough
	go func() {
		for ctx.Err() == nil {
			c.Produce(ctx, &kgo.Record{Topic: "t", Value: []byte("late")}, func(_ *kgo.Record, err error) {
				if err == nil {
					acked.Add(1)
				}
			})
		}
	}()
	if _, err := n.Drain(deadline(t)); err != nil {
		t.Fatal(err)
	}
	cancel()
	c.Close()
	n = start(t, smallConfig(t, dir, nil))
	reader := client(t, n, kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	until := deadline(t)
	for next := int64(0); next < acked.Load(); {
		fetched := reader.PollFetches(until)
		if err := fetched.Err(); err != nil {
			t.Fatalf("after %d of %d acknowledged records: %v", next, acked.Load(), err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			if r.Offset != next {
				t.Fatalf("offset %d follows %d", r.Offset, next-1)
			}
			next++
		})
	}
}
