package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/proc"
)

type settings struct {
	seawall   string
	seed      uint64
	voters    int
	walBytes  string
	overrides string
	rounds    int
	kills     int
	moves     int
	join      bool
	volumes   int
	abandons  int
	keep      bool
	direct    bool
	diskless  bool
	load      load.Config

	// Of a part, not of the command line: what is done before the first start,
	// and how a node's properties are changed.
	prepare func(*rig) error
	shape   func(r *rig, at int, properties map[string]string)
}

func main() {
	var s settings
	flag.StringVar(&s.seawall, "seawall", "./seawall", "the binary")
	flag.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "of the faults and their moments")
	flag.IntVar(&s.rounds, "rounds", 0, "rounds of mixed faults")
	flag.IntVar(&s.kills, "kill", 0, "times to kill a leader, in each of three series: store up, store away, the active controller")
	flag.IntVar(&s.moves, "moves", 0, "planned moves, with the store up and as many with it away")
	flag.BoolVar(&s.join, "join", false, "have a fourth broker join")
	flag.IntVar(&s.volumes, "volumes", 0, "times for each case of exclusive WALs that are brought to their rescuers, in files and on loop devices")
	flag.IntVar(&s.abandons, "abandon", 0, "times for a WAL that nobody reaches to come back, and times for one to be given up")
	flag.BoolVar(&s.direct, "direct", false, "nodes without WALs, in rounds, kills, moves and join: everything is acknowledged from object storage")
	flag.BoolVar(&s.diskless, "diskless", false, "topics with diskless.enable=true in rounds, kills, moves and join")
	flag.BoolVar(&s.keep, "keep", false, "keep the data after success")
	flag.StringVar(&s.walBytes, "wal-capacity", "256MiB", "capacity of each node's WAL")
	flag.StringVar(&s.overrides, "overrides", "", "properties for every node, k=v with blanks between")
	partitions := flag.Int("partitions", 6, "partitions of a round's topic")
	flag.IntVar(&s.load.Producers, "producers", 4, "idempotent producers of a round")
	flag.IntVar(&s.load.Rate, "rate", 250, "records a second and producer in a round")
	flag.IntVar(&s.load.ValueBytes, "size", 300, "bytes of a record's value in a round")
	flag.Parse()
	s.load.Partitions, s.load.InFlight, s.voters = int32(*partitions), 1000, 3
	if (s.direct || s.diskless) && s.volumes+s.abandons > 0 {
		fmt.Fprintln(os.Stderr, "cluster: -volumes and -abandon are about WALs: not with -direct or -diskless")
		os.Exit(2)
	}
	if s.rounds+s.kills+s.moves+s.volumes+s.abandons == 0 && !s.join {
		s.rounds, s.kills, s.moves, s.join = 20, 3, 10, true
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	part := func(name string, wanted bool, run func(context.Context, settings) (*rig, error)) proc.Part {
		return proc.Part{Name: name, Wanted: wanted, Run: func() error { return runPart(ctx, s, run) }}
	}
	if !proc.RunParts("cluster", s.seed, []proc.Part{
		part("rounds", s.rounds > 0, runRounds),
		part("kill", s.kills > 0, runKills),
		part("moves", s.moves > 0, runMoves),
		part("join", s.join, runJoin),
		part("volumes", s.volumes > 0, runVolumes),
		part("devices", s.volumes > 0, runDevices),
		part("abandon", s.abandons > 0, runAbandon),
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
	if err == nil && s.keep {
		return nil
	}
	return proc.EndDir(r.dir, err)
}
