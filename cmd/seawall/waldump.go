package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// walDump is what the flags of `seawall wal dump` say.
type walDump struct {
	instance string
	from     int64
	summary  bool
}

func newWALCommand() *cobra.Command {
	var d walDump
	c := &cobra.Command{
		Use:   "dump PATH",
		Short: "Print header, records and fill of a WAL, live or dead, without changing it",
		Long: "Print header, records and fill of a WAL, live or dead, without changing it. PATH is the file or\n" +
			"block device; of a file, earlier instances lie beside it as PATH.<instance>. Recovery starts at\n" +
			"the trim position in the metadata; here, unless --from says otherwise, at the header's copy of it.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := bufio.NewWriter(cmd.OutOrStdout())
			return errors.Join(d.run(cmd.Context(), out, args[0]), out.Flush())
		},
	}
	c.Flags().StringVar(&d.instance, "instance", "", "of a block device: an earlier `instance` that its header names")
	c.Flags().Int64Var(&d.from, "from", -1, "start at this `position` instead of the header's trim position")
	c.Flags().BoolVar(&d.summary, "summary", false, "leave the records out")
	return group("wal", "Look at a write-ahead log", c)
}

// run opens path for looking, which takes no lock, and prints what is there.
func (d *walDump) run(ctx context.Context, w io.Writer, path string) error {
	dev, err := device.OpenFile(path, device.FileOptions{ReadOnly: true, AllowBuffered: true, Depth: 4})
	if err != nil {
		return err
	}
	defer dev.Close()
	header, err := readWALHeader(dev)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	printWALHeader(w, &header)

	from := header.TrimHint
	if d.instance != "" {
		if from, err = selectEarlier(&header, d.instance); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if d.from >= 0 {
		from = d.from
	}
	return d.printRecords(ctx, w, &volume.Area{Header: header, Device: dev}, from)
}

// readWALHeader reads the slot that counts.
func readWALHeader(dev device.Device) (walfmt.Header, error) {
	buf := device.Aligned(2 * walfmt.SlotBytes)
	if err := device.Do(dev, &device.Op{Kind: device.Read, Bufs: [][]byte{buf}}); err != nil {
		return walfmt.Header{}, fmt.Errorf("read header: %w", err)
	}
	header, _, err := walfmt.PickHeader([2][]byte{buf[:walfmt.SlotBytes], buf[walfmt.SlotBytes:]})
	if errors.Is(err, walfmt.ErrInvalid) {
		err = fmt.Errorf("not a WAL, or both header slots are damaged: %w", err)
	}
	return header, err
}

func printWALHeader(w io.Writer, h *walfmt.Header) {
	fmt.Fprintf(w, "cluster     %s\nnode        %d, epoch %d\n", h.Cluster, h.Node, h.NodeEpoch)
	fmt.Fprintf(w, "instance    %s\nheader      generation %d, fence %s\n", h.Instance, h.Generation, h.Fence)
	fmt.Fprintf(w, "ring        %s in blocks of %d bytes, base %d, window %s\n",
		config.FormatSize(h.Capacity), h.BlockBytes, h.Base, config.FormatSize(h.WindowBytes))
	fmt.Fprintf(w, "trim hint   %d\n", h.TrimHint)
	for _, e := range h.Earlier {
		fmt.Fprintf(w, "earlier     %s, epoch %d, positions [%d,%d)\n", e.Instance, e.NodeEpoch, e.From, e.End)
	}
}

// selectEarlier makes h that of an earlier instance in the same ring, and says
// from where on that is kept.
func selectEarlier(h *walfmt.Header, instance string) (from int64, err error) {
	id, err := ids.ParseUUID(instance)
	if err != nil {
		return 0, usageError{fmt.Errorf("--instance: %w", err)}
	}
	for _, e := range h.Earlier {
		if e.Instance == id {
			h.Life = e.Life
			return e.From, nil
		}
	}
	return 0, fmt.Errorf("has no earlier instance %s", instance)
}

// printRecords walks the records from a position on, as recovery would, and
// then says how full the ring is.
func (d *walDump) printRecords(ctx context.Context, w io.Writer, area *volume.Area, from int64) error {
	h := &area.Header
	if !d.summary {
		fmt.Fprintf(w, "\n%14s %-9s %8s %6s %-26s %10s\n", "position", "kind", "stream", "epoch", "offsets", "bytes")
	}
	var records, bytes int64
	next := from
	for {
		expect := wal.Expect{Cluster: h.Cluster, Node: h.Node, Instance: h.Instance, TrimPosition: next}
		found, err := wal.Recover(ctx, area, expect, func(r *walfmt.Record) error {
			records++
			bytes += int64(len(r.Payload))
			if d.summary {
				return nil
			}
			_, err := fmt.Fprintf(w, "%14d %-9s %8d %6d %-26s %10d\n",
				r.Position, r.Kind, r.Stream, r.StreamEpoch, fmt.Sprintf("[%d,%d)", r.BaseOffset, r.EndOffset), len(r.Payload))
			return err
		})
		// Behind the back of a look, a live log fills what was a hole. A hole
		// that is still there at a second look is one.
		var corrupt *wal.CorruptionError
		if errors.As(err, &corrupt) && corrupt.HolePosition > next {
			next = corrupt.HolePosition
			continue
		}
		if err != nil {
			return err
		}
		next = found.End
		fmt.Fprintf(w, "\n%d records of %d bytes from position %d to %d; %.1f %% of the ring\nends there: %v\n",
			records, bytes, from, next, 100*float64(next-from)/float64(h.Capacity), found.EndReason)
		return nil
	}
}
