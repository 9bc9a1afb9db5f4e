package node

import (
	"context"
	"math"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/wal/device"
)

// The bound of what a rescue may have to read takes the read bandwidth of the
// WAL's device. Where the configuration says what the device may be driven to, it
// is that. Else it is measured once in a life: by the recovery at the start, if
// there was enough to recover, or by a probe as soon as there is something on the
// device that can be read; zeros that a file system makes up would tell nothing.
// A probe reads little at a time: appends wait behind it.
const (
	// readRateAssumed holds until it is measured: gp3 as it comes gives that.
	readRateAssumed = 125 * mib
	// recoveredBytesMin is what a recovery must have read to be believed.
	recoveredBytesMin = 64 * mib

	probeEvery = time.Second // between turns, and looks whether enough was appended
	probeTurns = 4           // the best one counts: the others met something else
	probeReads = 8           // of a turn, side by side, as a recovery reads
	probeChunk = mib / 4     // of a read: a turn takes 16 ms of a gp3 volume
)

// assumeReadRate is the read bandwidth before it is measured.
func (n *Node) assumeReadRate() int64 {
	if limit := n.cfg.WAL.IOBandwidth; limit > 0 {
		return limit
	}
	return readRateAssumed
}

// noteRecovery learns from a recovery that read so many bytes.
func (n *Node) noteRecovery(bytes int64, took time.Duration) {
	if bytes >= recoveredBytesMin && took > 0 {
		n.readRate.Store(int64(float64(bytes) / took.Seconds()))
		n.readRateMeasured = true
	}
}

// measureReadRate probes the device once enough was appended.
func (n *Node) measureReadRate(ctx context.Context) {
	var best int64
	for turn := 0; turn < probeTurns; {
		if clock.Sleep(ctx, n.clock, probeEvery) != nil {
			return
		}
		end := n.wal.DurableUpTo()
		if end-n.wal.Trimmed() < 2*probeReads*probeChunk {
			continue // nothing to read
		}
		rate, err := probeReadRate(n.clock, end-probeReads*probeChunk, n.wal.ReadAt)
		if err != nil {
			n.log.Warn("read bandwidth of the WAL's device not measured; the assumed one stands", "error", err)
			return
		}
		best = max(best, rate)
		turn++
	}
	n.readRate.Store(best)
	n.streams.SetReadBandwidth(best)
	n.log.Info("read bandwidth of the WAL's device measured", "mib_per_second", best/mib)
}

// probeReadRate reads a stretch of the log, past every cache, and returns the bytes
// a second.
func probeReadRate(c clock.Clock, from int64, readAt func(dst []byte, position int64) error) (int64, error) {
	bufs := make([][]byte, probeReads)
	for i := range bufs {
		bufs[i] = device.Aligned(probeChunk)
	}
	from -= from % probeChunk
	began := c.Now()
	var reads errgroup.Group
	for i, buf := range bufs {
		reads.Go(func() error { return readAt(buf, from+int64(i)*probeChunk) })
	}
	if err := reads.Wait(); err != nil {
		return 0, err
	}
	took := max(c.Now().Sub(began), time.Microsecond)
	return int64(math.Round(probeReads * probeChunk / took.Seconds())), nil
}
