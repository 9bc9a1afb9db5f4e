package cluster

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// The environment says how many seeds are run, from which on, and whether one
// is to be replayed with its story.
const (
	envSeeds = "SEAWALL_SIM_SEEDS"
	envFirst = "SEAWALL_SIM_FIRST"
	envSeed  = "SEAWALL_SIM_SEED"
)

func env(t *testing.T, name string, otherwise uint64) uint64 {
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func TestSeeds(t *testing.T) {
	if os.Getenv(envSeed) != "" {
		story, err := tell(env(t, envSeed, 0), noMistake)
		t.Log(story)
		if err != nil {
			t.Error(err)
		}
		return
	}
	first, seeds := env(t, envFirst, 0), env(t, envSeeds, 2000)
	shards := uint64(runtime.GOMAXPROCS(0))
	sums := make([]counts, shards)
	t.Run("shards", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for seed := first + shard; seed < first+seeds; seed += shards {
					w := newWorld(seed, noMistake, false)
					if err := w.run(); err != nil {
						story, _ := tell(seed, noMistake)
						t.Fatalf("%s\nseed %d: %v", story, seed, err)
					}
					sums[shard].add(w.counts)
				}
			})
		}
	})
	var sum counts
	for _, c := range sums {
		sum.add(c)
	}
	t.Logf("%d seeds: %+v", seeds, sum)
	if n := int(seeds); n >= 100 && (sum.fenced < n || sum.takeovers < n/4 || sum.again < n/20 || sum.tails < n || sum.commits < n || sum.wraps < n/4) {
		t.Error("the runs are not worth their name")
	}
}

// A seed is one run and no other: without that a failing seed tells nothing.
func TestASeedReplays(t *testing.T) {
	for seed := range uint64(5) {
		once, _ := tell(seed, noMistake)
		again, _ := tell(seed, noMistake)
		if once != again {
			t.Fatalf("seed %d has two stories", seed)
		}
	}
}

func TestPlantedMistakesAreCaught(t *testing.T) {
	for m, name := range map[mistake]string{
		ackBeforeFence:    "acknowledge before the fence is read",
		trimBeforeCommit:  "trim before the commit",
		openBeforeClose:   "open before the earlier tail is closed",
		acceptLowerEpochs: "accept a lower epoch's bytes in recovery",
		ownWithoutFence:   "rescue one's own shared WAL without the fence",
		reuseSharedRing:   "begin a new instance on a shared ring",
		uploadAgain:       "re-upload on an unknown commit",
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(seedsToCatch) {
				err := newWorld(seed, m, false).run()
				if err != nil && !strings.HasPrefix(err.Error(), liveness) { // that would be too easy
					t.Logf("caught by seed %d, the %dth: %v", seed, seed+1, err)
					return
				}
			}
			t.Errorf("not caught in %d seeds", seedsToCatch)
		})
	}
}

// seedsToCatch is within how many seeds each planted mistake must be caught.
const seedsToCatch = 3000
