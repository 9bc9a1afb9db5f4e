package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seawallmq/seawall/internal/config"
)

// Field is one thing that a scenario says.
type Field struct {
	Name string // as in a file
	Help string // a line
	get  func(*Scenario) string
	set  func(*Scenario, string) error
}

// Get is the field's value in s, as it stands in a file.
func (f *Field) Get(s *Scenario) string { return f.get(s) }

// Fields are all fields of a scenario, in the order in which they are written.
func Fields() []Field { return slices.Clone(fields) }

// Names are the names of [Fields].
func Names() []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

var fields = []Field{
	text("title", "what it shows, in a few words", func(s *Scenario) *string { return &s.Title }),
	whole("topics", "how many topics", func(s *Scenario) *int { return &s.Topics }),
	whole("partitions", "of each topic", func(s *Scenario) *int { return &s.Partitions }),
	whole("record.bytes", "key and value of a record together", func(s *Scenario) *int { return &s.RecordBytes }),
	whole("distinct.keys", "how many keys there are; 0: none, and partitions in turn", func(s *Scenario) *int { return &s.DistinctKeys }),
	whole("producers", "clients that send", func(s *Scenario) *int { return &s.Producers }),
	{
		"rate", "of all producers: 2000/s, 20MiB/s, ramp 100/s to 5000/s, burst 2000/s in 100ms of each 1s, unlimited",
		func(s *Scenario) string { return s.Rate.String() },
		func(s *Scenario, v string) (err error) { s.Rate, err = ParseRate(v); return err },
	},
	span("linger", "how long a client waits for more to send at once", func(s *Scenario) *time.Duration { return &s.Linger }),
	text("acks", "all, 1 or 0", func(s *Scenario) *string { return &s.Acks }),
	text("compression", strings.Join(Compressions, ", "), func(s *Scenario) *string { return &s.Compression }),
	{
		"idempotent", "whether the broker is to drop what comes twice",
		func(s *Scenario) string { return strconv.FormatBool(s.Idempotent) },
		func(s *Scenario, v string) (err error) { s.Idempotent, err = parseBool(v); return err },
	},
	whole("transaction", "records that a producer commits at a time; 0: no transactions", func(s *Scenario) *int { return &s.Transaction }),
	whole("groups", "consumer groups that read everything at the tail", func(s *Scenario) *int { return &s.Groups }),
	whole("consumers", "members of each group", func(s *Scenario) *int { return &s.Consumers }),
	{
		"backfill", "written before the load and read from the beginning beside it, as 512MiB; 0: nothing",
		func(s *Scenario) string { return config.FormatSize(s.BackfillBytes) },
		func(s *Scenario, v string) (err error) { s.BackfillBytes, err = parseSize(v); return err },
	},
	span("warm.up", "load before the window that counts", func(s *Scenario) *time.Duration { return &s.WarmUp }),
	span("duration", "the window that counts", func(s *Scenario) *time.Duration { return &s.Duration }),
}

// Compressions are the codecs of record batches.
var Compressions = []string{"none", "gzip", "snappy", "lz4", "zstd"}

func text(name, help string, at func(*Scenario) *string) Field {
	return Field{name, help,
		func(s *Scenario) string { return *at(s) },
		func(s *Scenario, v string) error { *at(s) = v; return nil },
	}
}

func whole(name, help string, at func(*Scenario) *int) Field {
	return Field{name, help,
		func(s *Scenario) string { return strconv.Itoa(*at(s)) },
		func(s *Scenario, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 {
				return errors.New("is not a whole number")
			}
			*at(s) = n
			return nil
		},
	}
}

func span(name, help string, at func(*Scenario) *time.Duration) Field {
	return Field{name, help,
		func(s *Scenario) string { return at(s).String() },
		func(s *Scenario, v string) error {
			d, err := time.ParseDuration(v)
			if err != nil || d < 0 {
				return errors.New("is no duration: write it as 250ms or 10s")
			}
			*at(s) = d
			return nil
		},
	}
}

func parseBool(v string) (bool, error) {
	switch v {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New("is neither true nor false")
}

func parseSize(v string) (int64, error) {
	if v == "0" {
		return 0, nil
	}
	n, err := config.ParseSize(v)
	if err != nil {
		return 0, fmt.Errorf("is no number of bytes: %w", err)
	}
	return n, nil
}
