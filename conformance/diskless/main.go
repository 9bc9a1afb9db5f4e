package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/proc"
)

type settings struct {
	seawall  string
	seed     uint64
	profile  string
	faults   int
	wal      bool
	switches int
	gather   time.Duration
	load     load.Config
}

func main() {
	var s settings
	flag.StringVar(&s.seawall, "seawall", "./seawall", "the binary to run as seawall dev")
	flag.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "of the faults and their moments")
	flag.StringVar(&s.profile, "profile", "s3-express", "of the simulated store: a name, or a file")
	flag.IntVar(&s.faults, "faults", 0, "rounds of faults of the store")
	flag.BoolVar(&s.wal, "wal", false, "faults: the broker has a WAL, and a topic that is acknowledged from it")
	flag.IntVar(&s.switches, "switch", 0, "times to switch a topic's mode")
	flag.DurationVar(&s.gather, "gather", 100*time.Millisecond, "how long appends gather for one object")
	partitions := flag.Int("partitions", 4, "partitions of a topic")
	flag.IntVar(&s.load.Producers, "producers", 4, "idempotent producers of a topic")
	flag.IntVar(&s.load.Rate, "rate", 300, "records a second and producer")
	flag.IntVar(&s.load.ValueBytes, "size", 300, "bytes of a record's value")
	flag.IntVar(&s.load.InFlight, "in-flight", 2000, "records a producer has unanswered at most")
	flag.Parse()
	s.load.Partitions = int32(*partitions)
	if s.faults+s.switches == 0 {
		s.faults, s.switches = 16, 4
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	part := func(name string, wanted bool, run func(context.Context, settings) (*rig, error)) proc.Part {
		return proc.Part{Name: name, Wanted: wanted, Run: func() error { return runPart(ctx, s, run) }}
	}
	if !proc.RunParts("diskless", s.seed, []proc.Part{
		part("faults", s.faults > 0, runFaults),
		part("switch", s.switches > 0, runSwitches),
	}) {
		os.Exit(1)
	}
}

// runPart runs one part on a rig of its own, whose data stay after a failure.
func runPart(ctx context.Context, s settings, run func(context.Context, settings) (*rig, error)) error {
	r, err := run(ctx, s)
	if r == nil {
		return err
	}
	r.Close()
	return proc.EndDir(r.dir, err)
}
