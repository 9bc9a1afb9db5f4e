package coordinator

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seawallmq/seawall/broker/group"
	"github.com/seawallmq/seawall/internal/clock"
)

// Config is what a Coordinator is made of.
type Config struct {
	Group      group.Config
	Partitions int32 // of __consumer_offsets; fixed, since groups are mapped by it
	Clock      clock.Clock
	NewUUID    func() string // unique at each call, from any goroutine; member ids end in it
	Logger     *slog.Logger
	// Serves says whether groups may be served at all; nil: always. It is asked
	// for every request, when that comes and when it is answered.
	Serves func() bool

	Loops   int // event loops
	Loaders int // goroutines that read logs
	// RequestsMax and RequestBytesMax bound the requests that were taken and
	// not yet answered, parked ones included.
	RequestsMax     int64
	RequestBytesMax int64
	BatchBytesMax   int           // of one appended batch; a larger record is refused
	ReadBytes       int           // of one read while loading
	LoadRetry       time.Duration // wait before loading again what could not be read
	// A log is compacted when it has CompactBytesMin bytes, and CompactFactor
	// times as many as are alive.
	CompactBytesMin int64
	CompactFactor   int64
}

// DefaultConfig is a Config with everything set that has a default: all but
// Clock, NewUUID and Logger.
func DefaultConfig() Config {
	return Config{
		Group:           group.DefaultConfig(),
		Partitions:      50,
		Loops:           2,
		Loaders:         2,
		RequestsMax:     100_000,
		RequestBytesMax: 64 << 20,
		BatchBytesMax:   1 << 20,
		ReadBytes:       1 << 20,
		LoadRetry:       time.Second,
		CompactBytesMin: 8 << 20,
		CompactFactor:   4,
	}
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	faults := []error{c.Group.Validate()}
	positive := func(name string, v int64) {
		if v <= 0 {
			faults = append(faults, fmt.Errorf("coordinator: %s must be above zero, is %d", name, v))
		}
	}
	positive("offsets.topic.num.partitions", int64(c.Partitions))
	positive("Loops", int64(c.Loops))
	positive("Loaders", int64(c.Loaders))
	positive("RequestsMax", c.RequestsMax)
	positive("RequestBytesMax", c.RequestBytesMax)
	positive("BatchBytesMax", int64(c.BatchBytesMax))
	positive("ReadBytes", int64(c.ReadBytes))
	positive("LoadRetry", int64(c.LoadRetry))
	positive("CompactBytesMin", c.CompactBytesMin)
	positive("CompactFactor", c.CompactFactor)
	if c.Clock == nil || c.NewUUID == nil || c.Logger == nil {
		faults = append(faults, errors.New("coordinator: Clock, NewUUID and Logger must be given"))
	}
	return errors.Join(faults...)
}
