package suite

import (
	"context"
	"fmt"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/report"
)

const (
	// recoverBytes are to be recovered.
	recoverBytes = 1 << 30
	// recoverWALBytes are enough not to set off an upload by fill.
	recoverWALBytes = 8 << 30
)

// withoutUploads overrides what sets off uploads in a WAL of so many bytes:
// what is in it stays in it alone, up to the highest threshold that it may have.
func withoutUploads(walBytes int64) []string {
	return []string{
		"s3.wal.upload.interval.ms=3600000", fmt.Sprintf("s3.wal.upload.threshold=%d", walBytes/2),
		"wal.rescue.target.ms=3600000",
	}
}

// start times a first start, with an empty folder and the WAL of `seawall
// start`.
func (s *suite) start(ctx context.Context) error {
	r := &report.Start{WALBytes: walBytes}
	s.report.Start = r
	for range s.Settings.Rounds {
		err := s.life(ctx, func(dir string) arm.Arm { return arm.Seawall(s.Seawall, walAt(dir, walBytes)) },
			func(ctx context.Context, server *arm.Server) error {
				ready, err := server.WaitReady(ctx)
				if err != nil {
					return err
				}
				first, err := server.FirstAck(ctx, "first")
				r.Ready, r.FirstAck = append(r.Ready, ready), append(r.FirstAck, first)
				s.Log("ready after %v, first ack after %v", ready, first)
				return err
			})
		if err != nil {
			return err
		}
	}
	return nil
}

// recovery times a start after kill -9 with a gigabyte that only the WAL has.
func (s *suite) recovery(ctx context.Context) error {
	r := &report.Recovery{Bytes: recoverBytes}
	s.report.Recovery = r
	for range s.Settings.Rounds {
		err := s.life(ctx,
			func(dir string) arm.Arm {
				return arm.Seawall(s.Seawall, append(withoutUploads(recoverWALBytes), walAt(dir, recoverWALBytes))...)
			},
			func(ctx context.Context, server *arm.Server) error { return s.recoverOnce(ctx, server, r) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *suite) recoverOnce(ctx context.Context, server *arm.Server, r *report.Recovery) error {
	empty, err := server.WaitReady(ctx)
	if err != nil {
		return err
	}
	if err := server.CreateTopic(ctx, "full", s.Settings.Partitions); err != nil {
		return err
	}
	if err := load.Fill(ctx, []string{server.Addr}, "full", s.Settings.Partitions, s.Settings.RecordBytes, recoverBytes); err != nil {
		return err
	}
	metrics, err := server.Metrics(ctx)
	if err != nil {
		return err
	}
	untrimmed := int64(metrics["seawall_wal_untrimmed_bytes"])
	if untrimmed < recoverBytes {
		return fmt.Errorf("the WAL holds only %d bytes: something was uploaded", untrimmed)
	}
	if err := server.Restart(ctx); err != nil {
		return err
	}
	ready, err := server.WaitReady(ctx)
	if err != nil {
		return err
	}
	first, err := server.FirstAck(ctx, "after")
	r.EmptyReady = append(r.EmptyReady, empty)
	r.Ready, r.FirstAck = append(r.Ready, ready), append(r.FirstAck, first)
	s.Log("%d bytes to recover: ready after %v (%v when empty), first ack after %v", untrimmed, ready, empty, first)
	return err
}
