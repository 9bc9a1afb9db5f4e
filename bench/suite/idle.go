package suite

import (
	"context"
	"fmt"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/device"
	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/report"
)

const (
	idleTopics             = 10
	idlePartitionsPerTopic = 1000
)

// idle looks at the memory of a broker that has nothing to do.
func (s *suite) idle(ctx context.Context) error {
	r := &report.Idle{}
	s.report.Idle = r
	return s.life(ctx, func(string) arm.Arm { return arm.Seawall(s.Seawall) }, func(ctx context.Context, server *arm.Server) (err error) {
		ctx, cancel := server.While(ctx, lifeTimeout)
		defer cancel()
		if _, err = server.WaitReady(ctx); err != nil {
			return err
		}
		if r.EmptyBytes, err = s.resident(ctx, server); err != nil {
			return err
		}
		for n := range idleTopics {
			topic := fmt.Sprintf("idle-%d", n)
			if err := server.CreateTopic(ctx, topic, idlePartitionsPerTopic); err != nil {
				return err
			}
			// One record to each, so that none is merely a name in the metadata.
			total := int64(idlePartitionsPerTopic * s.Settings.RecordBytes)
			if err := load.Fill(ctx, []string{server.Addr}, topic, idlePartitionsPerTopic, s.Settings.RecordBytes, total); err != nil {
				return err
			}
		}
		if r.PartitionsBytes, err = s.resident(ctx, server); err != nil {
			return err
		}
		r.Partitions = idleTopics * idlePartitionsPerTopic
		s.Log("resident: %.0f MB idle, %.0f MB with %d partitions", float64(r.EmptyBytes)/1e6, float64(r.PartitionsBytes)/1e6, r.Partitions)
		return nil
	})
}

// resident is the broker's memory after a rest.
func (s *suite) resident(ctx context.Context, server *arm.Server) (int64, error) {
	if err := device.Rest(ctx, s.Settle); err != nil {
		return 0, err
	}
	return server.ResidentBytes()
}
