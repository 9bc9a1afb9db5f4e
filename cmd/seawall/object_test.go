package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/file"
)

// plantObject stores an object of one data block with two batches and the
// summary of them, and returns its key.
func plantObject(t *testing.T, dir string) (key string) {
	t.Helper()
	var data []byte
	summarizer := batch.NewSummarizer()
	for offset := int64(10); offset < 14; offset += 2 {
		b := batch.NewBuilder()
		b.BaseOffset = offset
		b.ProducerID, b.ProducerEpoch, b.BaseSequence = 7, 1, int32(offset)
		b.Add(1000+offset, nil, []byte("a"))
		b.Add(1001+offset, nil, []byte("b"))
		encoded := b.AppendTo(nil)
		if err := summarizer.Add(encoded); err != nil {
			t.Fatal(err)
		}
		data = append(data, encoded...)
	}
	summary := summarizer.AppendTo(nil)

	w := objfmt.NewWriter(3, objfmt.StreamObject)
	for _, b := range []objfmt.Block{
		{Kind: objfmt.DataBlock, Data: [][]byte{data}, CRC32C: crc.Of(data), Batches: 2},
		{Kind: objfmt.AttachmentBlock, Data: [][]byte{summary}, CRC32C: crc.Of(summary), Attachment: 1},
	} {
		b.Stream, b.Epoch, b.Start, b.End = 5, 2, 10, 14
		if _, err := w.AppendBlock(b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	s, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	key = objfmt.KeyParts{Object: 3, Cluster: "c"}.Key()
	segment := w.Take()
	if err := s.Put(t.Context(), key, objstore.NewBody(segment.Parts...), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "note", objstore.NewBody([]byte("hi")), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	return key
}

func TestObjectCommands(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "objects")
	key := plantObject(t, dir)
	store := "--store=file://" + dir

	_, out, stderr := execute(t, "object", "ls", store)
	for _, want := range []string{key + "  object 3\n", "note  not an object of a stream\n", "2 objects, "} {
		if !strings.Contains(out, want) {
			t.Errorf("ls lacks %q:\n%s%s", want, out, stderr)
		}
	}
	_, out, _ = execute(t, "object", "ls", store, "no")
	if !strings.HasSuffix(out, "1 objects, 2 bytes\n") {
		t.Errorf("ls no:\n%s", out)
	}

	_, out, stderr = execute(t, "object", "dump", store, key, "--batches")
	for _, want := range []string{
		"object 3, ", " 2 blocks\n", "[10,14)",
		"batch [10,11] 2 records", "batch [12,13] 2 records", "max timestamp 1013", "producer 7 epoch 1 sequence 12",
		"summary of [10,14): max timestamp 1013, ", "1 producers",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("dump lacks %q:\n%s%s", want, out, stderr)
		}
	}
	if code, out, stderr := execute(t, "object", "dump", store, key); code != exitDone || strings.Contains(out, "batch [") {
		t.Errorf("dump without --batches: exit %d\n%s%s", code, out, stderr)
	}
}

func TestObjectFaults(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "objects")
	key := plantObject(t, dir)
	damaged := filepath.Join(dir, filepath.FromSlash(key))
	content, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	content = bytes.Clone(content)
	content[70] ^= 1 // in the first batch
	if err := os.WriteFile(damaged, content, 0o600); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(t.TempDir(), "gone")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"object dump --batches --store file://" + dir + " " + key, exitFailed, "block at 0: "},
		{"object dump --store file://" + dir + " no/such", exitFailed, "no/such"},
		{"object dump --store file://" + dir + " note", exitFailed, "object is corrupt"},
		{"object ls --store file://" + gone, exitFailed, "no such file or directory"},
		{"object ls --store nfs:///x", exitUsage, "scheme \"nfs\""},
	} {
		code, _, stderr := execute(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("seawall %s: exit %d, %s; want %d, %q", c.args, code, stderr, c.code, c.want)
		}
	}
	if _, err := os.Stat(gone); err == nil {
		t.Error("a look at a directory made it")
	}
}
