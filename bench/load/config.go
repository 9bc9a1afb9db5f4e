package load

import (
	"errors"
	"time"

	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/scenario"
)

// Config is one load on topics that exist and hold nothing else.
type Config struct {
	Brokers []string
	// Topics are as many as the scenario has.
	Topics   []string
	Scenario scenario.Scenario
	// Group is the prefix of the names of consumer groups and transactional ids.
	Group string
	// DeliveryTimeout is how long a record may take until it counts as failed.
	DeliveryTimeout time.Duration
	// AtWindow, if set, is called when the window opens and when it closes, to
	// take the server's usage.
	AtWindow func(open bool)
	// EachSecond, if set, is told how it is going. It must not block.
	EachSecond func(Progress)
}

// Progress is how a load is going.
type Progress struct {
	result.Point       // the last second
	Sent, Acked  int64 // so far
	Failed       int64
	Left         time.Duration // until the window closes
}

// validate turns a rate in bytes into one in records, too.
func (c *Config) validate() error {
	var faults []error
	check := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, errors.New("load: "+fault))
		}
	}
	check(len(c.Brokers) > 0, "a broker is required")
	check(len(c.Topics) == c.Scenario.Topics, "not as many topics as the scenario has")
	check(c.DeliveryTimeout > 0, "a delivery timeout is required")
	check(c.Group != "" || c.Scenario.Groups == 0 && c.Scenario.Transaction == 0, "a name for groups and transactions is required")
	faults = append(faults, c.Scenario.Validate())
	return errors.Join(faults...)
}

func (c *Config) layout() layout {
	return layout{slots: c.Scenario.Topics * c.Scenario.Partitions, partitions: c.Scenario.Partitions, keys: c.Scenario.DistinctKeys}
}

func (c *Config) paced() bool { return c.Scenario.Rate.Shape != scenario.Unlimited }
