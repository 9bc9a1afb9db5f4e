package config

import (
	"errors"
	"fmt"
	"slices"
)

// Topic is what one topic gets: its own values, else the broker's, else the
// defaults. Only what has an effect is here.
type Topic struct {
	Delete  bool // cleanup.policy has delete: retention applies
	Compact bool // cleanup.policy has compact

	RetentionMs    int64 // by record timestamps; negative for ever
	RetentionBytes int64 // of one partition; negative without limit

	Diskless bool // acknowledged from object storage

	MaxMessageBytes      int  // largest batch
	LogAppendTime        bool // records carry the broker's time
	TimestampBeforeMaxMs int64
	TimestampAfterMaxMs  int64
}

// ErrUnknownTopicConfig is returned for a name that no topic may carry.
var ErrUnknownTopicConfig = errors.New("unknown topic config name")

// ValidateTopicConfig says whether a topic may carry name=value. The error is
// for the client: [ErrUnknownTopicConfig] for a name, a [Fault] for a value.
func ValidateTopicConfig(name, value string) error {
	d, ok := LookupTopic(name)
	if !ok {
		return fmt.Errorf("%w: %s", ErrUnknownTopicConfig, name)
	}
	if err := d.Check(value); err != nil {
		return Fault{Property: name, Value: value, Wrong: err.Error()}
	}
	return nil
}

// ValidateTopic is [ResolveTopic] for values that somebody asks for: it refuses
// also what a topic may have that came from other brokers, and base cannot give.
func ValidateTopic(base *Config, overrides map[string]string) (Topic, error) {
	t, err := ResolveTopic(base, overrides)
	if err != nil {
		return Topic{}, err
	}
	if value, set := overrides[disklessEnable]; set && t.Diskless {
		if asked, _ := parseBool(value); !asked {
			return Topic{}, Fault{Property: disklessEnable, Value: value,
				Wrong: "is not possible: this broker has no WAL (s3.wal.path=0@s3://)"}
		}
	}
	return t, nil
}

// ResolveTopic is what a topic with these overrides gets on a broker with this
// configuration. The error joins everything that is wrong with the overrides;
// see [ValidateTopicConfig].
func ResolveTopic(base *Config, overrides map[string]string) (Topic, error) {
	var errs []error
	for _, name := range sortedKeys(overrides) {
		if err := ValidateTopicConfig(name, overrides[name]); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Topic{}, err
	}
	r := reader(func(d *Def) (string, bool) {
		if v, ok := overrides[d.Name]; ok {
			return v, true
		}
		return base.effective(d)
	})
	if r.long("min.compaction.lag.ms") > r.long("max.compaction.lag.ms") {
		return Topic{}, Fault{Property: "min.compaction.lag.ms", Value: r.text("min.compaction.lag.ms"),
			Wrong: "is more than max.compaction.lag.ms"}
	}
	policy := r.list("cleanup.policy")
	return Topic{
		Delete:               slices.Contains(policy, "delete"),
		Compact:              slices.Contains(policy, "compact"),
		Diskless:             r.flag(disklessEnable) || base.WAL.Kind == WALObjects, // which has nothing else, whatever was set elsewhere
		RetentionMs:          r.long("retention.ms"),
		RetentionBytes:       r.long("retention.bytes"),
		MaxMessageBytes:      r.int("max.message.bytes"),
		LogAppendTime:        r.text("message.timestamp.type") == "LogAppendTime",
		TimestampBeforeMaxMs: r.long("message.timestamp.before.max.ms"),
		TimestampAfterMaxMs:  r.long("message.timestamp.after.max.ms"),
	}, nil
}
