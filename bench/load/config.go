package load

import (
	"errors"
	"time"
)

// Config is one load on one topic, which must exist.
type Config struct {
	Brokers    []string
	Topic      string
	Partitions int
	// RecordBytes is the length of key and value together.
	RecordBytes int
	// Producers are clients of their own, each with its connections.
	Producers int
	// RatePerSecond is that of all producers together; zero sends as fast as
	// the client takes records, without latencies.
	RatePerSecond float64
	// WarmUp is sent like the rest and not counted.
	WarmUp time.Duration
	// Duration is the window that counts, after WarmUp.
	Duration time.Duration
	// DeliveryTimeout is how long a record may take until it counts as failed.
	DeliveryTimeout time.Duration
	// AtWindow, if set, is called when the window opens and when it closes, to
	// take the server's usage.
	AtWindow func(open bool)
}

// recordBytesMin leaves room for a key and for something to compare.
const recordBytesMin = keyBytes + 8

func (c *Config) validate() error {
	var faults []error
	check := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, errors.New("load: "+fault))
		}
	}
	check(len(c.Brokers) > 0 && c.Topic != "", "brokers and topic are required")
	check(c.Partitions > 0 && c.Producers > 0, "at least one partition and one producer")
	check(c.RecordBytes >= recordBytesMin, "records are too short")
	check(c.RatePerSecond >= 0 && c.WarmUp >= 0 && c.Duration > 0, "rate and durations must not be negative")
	check(c.DeliveryTimeout > 0, "a delivery timeout is required")
	return errors.Join(faults...)
}
