package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/toxic"
)

type settings struct {
	seawall     string
	away        toxic.Mode
	cacheBytes  int64
	budgetBytes int64
	times       int64
	producers   int
	rate        int
	valueBytes  int
	warm        time.Duration
}

func main() {
	var s settings
	var cacheMiB, budgetMiB int64
	flag.StringVar(&s.seawall, "seawall", "./seawall", "the binary to run as seawall dev")
	outage := flag.String("outage", "refuse", "how the store is away: refuse or hang")
	flag.Int64Var(&cacheMiB, "cache-mib", 24, "size of the log cache, MiB")
	flag.Int64Var(&budgetMiB, "budget-mib", 192, "memory budget of the broker, MiB")
	flag.Int64Var(&s.times, "times", 4, "how many times the log cache is written while the store is away")
	flag.IntVar(&s.producers, "producers", 4, "idempotent producers")
	flag.IntVar(&s.rate, "rate", 1500, "records a second and producer")
	flag.IntVar(&s.valueBytes, "size", 1024, "bytes of a record's value")
	flag.DurationVar(&s.warm, "warm", 10*time.Second, "how long the load runs with the store there, to compare with")
	flag.Parse()
	s.cacheBytes, s.budgetBytes = cacheMiB<<20, budgetMiB<<20
	switch *outage {
	case "refuse":
		s.away = toxic.Refuse
	case "hang":
		s.away = toxic.Hang
	default:
		fmt.Fprintln(os.Stderr, "storedown: -outage is refuse or hang")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(runScenarios(ctx, s, *outage, flag.Args()))
}

var scenarios = []struct {
	name string
	run  func(context.Context, settings, *checks) error
}{
	{"outage", runOutage},
	{"full", runFull},
}

// runScenarios runs those that are named, or all, and returns the exit code.
func runScenarios(ctx context.Context, s settings, outage string, names []string) int {
	var c checks
	for _, scenario := range scenarios {
		if len(names) > 0 && !contains(names, scenario.name) {
			continue
		}
		c.prefix = scenario.name + ", store " + map[string]string{"refuse": "refusing", "hang": "hanging"}[outage] + ": "
		if err := scenario.run(ctx, s, &c); err != nil {
			c.fail("runs to its end", err)
		}
	}
	if c.passed+c.failed == 0 {
		c.fail("there is something to run", errors.New("known: outage, full"))
	}
	fmt.Printf("%d passed, %d failed\n", c.passed, c.failed)
	if c.failed > 0 {
		return 1
	}
	return 0
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// checks counts and prints what held and what did not.
type checks struct {
	prefix         string
	passed, failed int
}

// hold reports one check with the figures behind it.
func (c *checks) hold(ok bool, name, figures string, args ...any) {
	word := "PASS"
	if ok {
		c.passed++
	} else {
		word = "FAIL"
		c.failed++
	}
	fmt.Printf("%s %s%s: %s\n", word, c.prefix, name, fmt.Sprintf(figures, args...))
}

func (c *checks) fail(name string, err error) { c.hold(false, name, "%v", err) }

// none reports a check that an error fails.
func (c *checks) none(err error, name, figures string, args ...any) {
	if err != nil {
		c.fail(name, err)
		return
	}
	c.hold(true, name, figures, args...)
}

// loadConfig is the load on a topic.
func (s settings) loadConfig(broker, topic string) load.Config {
	return load.Config{
		Brokers: []string{broker}, Topic: topic, Partitions: 4, Producers: s.producers,
		Rate: s.rate, InFlight: 2000, ValueBytes: s.valueBytes,
	}
}
