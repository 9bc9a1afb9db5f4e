package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// newObjectCommand looks at the object store without changing it.
func newObjectCommand() *cobra.Command {
	var store string
	c := group("object", "Look at what is in the object store", newObjectLsCommand(&store), newObjectDumpCommand(&store))
	c.PersistentFlags().StringVar(&store, "store", "", "object store `URL`, s3://bucket?region=… or file:///path (default: that of seawall dev)")
	return c
}

func newObjectLsCommand(store *string) *cobra.Command {
	return &cobra.Command{
		Use:   "ls [PREFIX]",
		Short: "List objects: size, time, key",
		Args:  usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openStore(cmd.Context(), *store)
			if err != nil {
				return err
			}
			defer s.Close()
			prefix := ""
			if len(args) == 1 {
				prefix = args[0]
			}
			return listObjects(cmd.Context(), cmd.OutOrStdout(), s, prefix)
		},
	}
}

// listObjects writes a line for each object and a sum. It keeps none of them,
// so that a bucket of any size can be listed.
func listObjects(ctx context.Context, w io.Writer, s objstore.Store, prefix string) error {
	var count, bytes int64
	err := objstore.ListAll(ctx, s, prefix, func(e objstore.Entry) error {
		count++
		bytes += e.Size
		name := "not an object of a stream"
		if k, err := objfmt.ParseKey(e.Key); err == nil {
			name = fmt.Sprintf("object %d", k.Object)
		}
		_, err := fmt.Fprintf(w, "%12d  %s  %s  %s\n", e.Size, e.ModTime.UTC().Format(time.RFC3339), e.Key, name)
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%d objects, %d bytes\n", count, bytes)
	return err
}

func newObjectDumpCommand(store *string) *cobra.Command {
	var batches bool
	c := &cobra.Command{
		Use:   "dump KEY",
		Short: "Print an object: footer, blocks, and with --batches every batch's header",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openStore(cmd.Context(), *store)
			if err != nil {
				return err
			}
			defer s.Close()
			return dumpObject(cmd.Context(), cmd.OutOrStdout(), s, args[0], batches)
		},
	}
	c.Flags().BoolVar(&batches, "batches", false, "read and check every block, and print the batches in it")
	return c
}

// dumpObject prints the index of the object, and with batches what is in its
// blocks. It reads one block at a time.
func dumpObject(ctx context.Context, w io.Writer, s objstore.Store, key string, batches bool) error {
	footer, index, size, err := readIndex(ctx, s, key)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	fmt.Fprintf(w, "object %d, %s, %d bytes, %d blocks\n", footer.Object, footer.Kind, size, len(index.Entries()))
	fmt.Fprintf(w, "%8s %6s %-26s %-10s %8s %12s %10s %8s\n", "stream", "epoch", "offsets", "kind", "batches", "position", "bytes", "crc32c")
	for _, e := range index.Entries() {
		fmt.Fprintf(w, "%8d %6d %-26s %-10s %8d %12d %10d %08x\n",
			e.Stream, e.Epoch, fmt.Sprintf("[%d,%d)", e.Start, e.End), e.Kind, e.Batches, e.Position, e.Size, e.CRC32C)
		if !batches {
			continue
		}
		if err := dumpBlock(ctx, w, s, key, &e); err != nil {
			return fmt.Errorf("%s: block at %d: %w", key, e.Position, err)
		}
	}
	return nil
}

// readIndex reads the end of an object.
func readIndex(ctx context.Context, s objstore.Store, key string) (objfmt.Footer, objfmt.Index, int64, error) {
	var none objfmt.Index
	info, err := s.Head(ctx, key)
	if err != nil {
		return objfmt.Footer{}, none, 0, err
	}
	off, n := objfmt.FirstFetch(info.Size)
	tail := make([]byte, n)
	if _, err := s.GetRange(ctx, key, off, tail); err != nil {
		return objfmt.Footer{}, none, 0, err
	}
	footer, err := objfmt.ParseFooter(tail, info.Size)
	if err != nil {
		return objfmt.Footer{}, none, 0, err
	}
	bytes, whole := footer.Index(tail)
	if !whole {
		bytes = make([]byte, footer.IndexSize)
		if _, err := s.GetRange(ctx, key, footer.IndexPosition, bytes); err != nil {
			return objfmt.Footer{}, none, 0, err
		}
	}
	index, err := objfmt.ParseIndex(footer, bytes)
	return footer, index, info.Size, err
}

// dumpBlock reads and checks one block and prints what is in it.
func dumpBlock(ctx context.Context, w io.Writer, s objstore.Store, key string, e *objfmt.Entry) error {
	block := make([]byte, e.Size)
	if _, err := s.GetRange(ctx, key, e.Position, block); err != nil {
		return err
	}
	if err := e.CheckBlock(block); err != nil {
		return err
	}
	switch e.Kind {
	case objfmt.DataBlock:
		return dumpBatches(w, block)
	case objfmt.ReferenceBlock:
		refs, err := objfmt.ParseReferences(block)
		for _, r := range refs {
			fmt.Fprintf(w, "    offset %d+%d in zone object %d at %d, %d bytes\n", r.FirstOffset, r.Offsets, r.ZoneObject, r.Position, r.Length)
		}
		return err
	default:
		summary, err := batch.ParseSummary(block)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "    summary of [%d,%d): max timestamp %d, %d leader epochs, %d time entries, %d producers, %d aborted transactions\n",
			summary.BaseOffset, summary.NextOffset, summary.MaxTimestamp,
			len(summary.Epochs), len(summary.Times), len(summary.Producers), len(summary.Aborted))
		return nil
	}
}

// dumpBatches prints a line for each batch of bytes.
func dumpBatches(w io.Writer, bytes []byte) error {
	it := batch.NewIter(bytes, batch.TailStrict)
	for it.Next() {
		h := it.Header()
		fmt.Fprintf(w, "    batch [%d,%d] %d records, %d bytes, %s, max timestamp %d, leader epoch %d",
			h.BaseOffset, h.LastOffset(), h.NumRecords, h.Size(), h.Codec(), h.MaxTimestamp, h.PartitionLeaderEpoch)
		if h.HasProducerID() {
			fmt.Fprintf(w, ", producer %d epoch %d sequence %d", h.ProducerID, h.ProducerEpoch, h.BaseSequence)
		}
		if err := batch.CheckCRC(it.Batch(), h); err != nil {
			fmt.Fprintf(w, ": %v", err)
		}
		fmt.Fprintln(w)
	}
	return it.Err()
}

// devDir is where `seawall dev` keeps everything unless it is told otherwise.
var devDir = filepath.Join(".data", "dev")
