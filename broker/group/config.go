package group

import (
	"errors"
	"fmt"
	"time"
)

// Config is what an operator may set; Kafka's property stands beside each.
type Config struct {
	SessionTimeoutMin       time.Duration // group.min.session.timeout.ms
	SessionTimeoutMax       time.Duration // group.max.session.timeout.ms
	InitialRebalanceDelay   time.Duration // group.initial.rebalance.delay.ms
	MembersMax              int           // group.max.size
	OffsetMetadataBytesMax  int           // offset.metadata.max.bytes
	OffsetsRetention        time.Duration // offsets.retention.minutes
	OffsetsRetentionCheck   time.Duration // offsets.retention.check.interval.ms
	NewMemberJoinTimeout    time.Duration // how long a new member's parked JoinGroup is kept; fixed in Kafka
	ShardBytesMax           int64         // memory that members and offsets of one shard may take
	PostponedRebalanceRetry time.Duration // floor of the wait when no member has rejoined in time
}

// DefaultConfig is Kafka's defaults; the byte bound and group.max.size, which
// Kafka leaves open, are finite.
func DefaultConfig() Config {
	return Config{
		SessionTimeoutMin:       6 * time.Second,
		SessionTimeoutMax:       30 * time.Minute,
		InitialRebalanceDelay:   3 * time.Second,
		MembersMax:              10_000,
		OffsetMetadataBytesMax:  4096,
		OffsetsRetention:        7 * 24 * time.Hour,
		OffsetsRetentionCheck:   10 * time.Minute,
		NewMemberJoinTimeout:    5 * time.Minute,
		ShardBytesMax:           64 << 20,
		PostponedRebalanceRetry: time.Second,
	}
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	positive := func(name string, v int64) {
		if v <= 0 {
			faults = append(faults, fmt.Errorf("%s must be above zero, is %d", name, v))
		}
	}
	positive("group.min.session.timeout.ms", c.SessionTimeoutMin.Milliseconds())
	positive("group.max.size", int64(c.MembersMax))
	positive("offsets.retention.minutes", int64(c.OffsetsRetention))
	positive("offsets.retention.check.interval.ms", c.OffsetsRetentionCheck.Milliseconds())
	positive("new member join time-out", int64(c.NewMemberJoinTimeout))
	positive("bytes of a shard", c.ShardBytesMax)
	positive("postponed rebalance retry", int64(c.PostponedRebalanceRetry))
	if c.SessionTimeoutMax < c.SessionTimeoutMin {
		faults = append(faults, fmt.Errorf("group.max.session.timeout.ms %v is below group.min.session.timeout.ms %v",
			c.SessionTimeoutMax, c.SessionTimeoutMin))
	}
	if c.InitialRebalanceDelay < 0 {
		faults = append(faults, fmt.Errorf("group.initial.rebalance.delay.ms must not be negative, is %v", c.InitialRebalanceDelay))
	}
	if c.OffsetMetadataBytesMax < 0 {
		faults = append(faults, fmt.Errorf("offset.metadata.max.bytes must not be negative, is %d", c.OffsetMetadataBytesMax))
	}
	return errors.Join(faults...)
}
