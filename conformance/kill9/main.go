package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/proc"
)

// frequentUploads makes uploads follow one another without a pause, in objects
// of both kinds: a partition's own and those that partitions share.
const frequentUploads = "s3.wal.upload.threshold=32768 s3.wal.upload.interval.ms=10 s3.stream.object.split.size=8192"

type settings struct {
	seawall   string
	command   string
	dir       string
	rounds    int
	seed      uint64
	walBytes  string
	overrides string
	frequent  string
	runMax    time.Duration
	direct    bool
	diskless  bool
	profile   string
	topicMax  int
	load      load.Config
}

func main() {
	var s settings
	flag.StringVar(&s.seawall, "seawall", "./seawall", "the binary to run as seawall dev")
	flag.StringVar(&s.command, "command", "", "another broker to run instead, by words: {dir} and {port} are replaced")
	flag.StringVar(&s.dir, "dir", "", "folder for the data, on a real disk; empty: a new one below .data, removed after success")
	flag.IntVar(&s.rounds, "rounds", 100, "how many times to kill")
	flag.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "of the moments to kill")
	flag.StringVar(&s.walBytes, "wal-capacity", "64MiB", "capacity of the WAL, small so that it wraps; empty: the broker's default")
	flag.StringVar(&s.overrides, "overrides", "", "properties for every round, k=v with blanks between")
	flag.StringVar(&s.frequent, "frequent", frequentUploads, "more properties for every second round")
	flag.DurationVar(&s.runMax, "run-max", 1500*time.Millisecond, "longest time under load before a kill, and after a restart")
	flag.BoolVar(&s.direct, "direct", false, "a broker without WAL: all topics are acknowledged from object storage, a simulated one")
	flag.BoolVar(&s.diskless, "diskless", false, "a topic with diskless.enable=true beside another; it is switched to and fro, at times just before the kill")
	flag.StringVar(&s.profile, "profile", "minio-like", "of the simulated store with -direct and -diskless")
	flag.IntVar(&s.topicMax, "topic-rounds", 0, "rounds on the same topics, which are read back whole after each; 0: all, but 4 with -direct and -diskless")
	partitions := flag.Int("partitions", 8, "partitions of the topic")
	flag.IntVar(&s.load.Producers, "producers", 4, "idempotent producers")
	flag.IntVar(&s.load.Rate, "rate", 1000, "records a second and producer")
	flag.IntVar(&s.load.ValueBytes, "size", 300, "bytes of a record's value")
	flag.Parse()
	s.load.Partitions, s.load.InFlight = int32(*partitions), 1000
	if s.direct && (s.diskless || s.command != "") || s.diskless && s.command != "" {
		fmt.Fprintln(os.Stderr, "kill9: -direct, -diskless and -command exclude each other")
		os.Exit(2)
	}
	if s.topicMax == 0 && s.simulates() {
		s.topicMax = simulatedTopicRounds
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Printf("FAIL kill9%s (seed %d): %v\n0 passed, 1 failed\n", s.mode(), s.seed, err)
		os.Exit(1)
	}
	fmt.Println("1 passed, 0 failed")
}

func run(ctx context.Context, s settings) (err error) {
	temporary := s.dir == ""
	if temporary {
		if s.dir, err = proc.NewDir("kill9"); err != nil {
			return err
		}
	}
	b, err := proc.NewBroker(s.seawall, strings.Fields(s.command), s.dir)
	if err != nil {
		return err
	}
	fmt.Printf("kill9%s: %d rounds, seed %d, %d producers at %d records/s of %d bytes on %d partitions, data in %s\n",
		s.mode(), s.rounds, s.seed, s.load.Producers, s.load.Rate, s.load.ValueBytes, s.load.Partitions, b.Dir)
	defer func() {
		if temporary || err != nil {
			err = proc.EndDir(b.Dir, err)
		}
	}()
	k := newKiller(s, b)
	defer k.close()
	return k.run(ctx)
}
