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
					c, err := try(seed, noMistake)
					if err != nil {
						t.Fatal(err)
					}
					sums[shard].add(c)
				}
			})
		}
	})
	var sum counts
	for i := range sums {
		sum.add(&sums[i])
	}
	t.Logf("%d seeds\n%s", seeds, &sum)
	if n := int(seeds); n >= seedsForAll {
		if never := sum.never(); len(never) > 0 {
			t.Errorf("in %d seeds there never was: %s", n, strings.Join(never, ", "))
		}
		if rare := sum.rare(n); len(rare) > 0 {
			t.Errorf("in %d seeds there was too little of: %s", n, strings.Join(rare, ", "))
		}
	}
}

// seedsForAll is from how many seeds on all that can happen must.
const seedsForAll = 2000

// try runs a seed. If it fails the error has its story.
func try(seed uint64, m mistake) (*counts, error) {
	w := newWorld(seed, m, false)
	err := w.run()
	if err != nil {
		story, again := tell(seed, m)
		err = fmt.Errorf("%s\nseed %d: %w", story, seed, err)
		if fmt.Sprint(again) != fmt.Sprint(w.failure) {
			err = fmt.Errorf("%w; told again it is: %v", err, again)
		}
	}
	return &w.counts, err
}

// A failing seed fails again, in the same step and for the same reason, and says
// how it came to it.
func TestAFailingSeedTellsItsStory(t *testing.T) {
	seed, err := uint64(0), error(nil)
	for ; err == nil; seed++ {
		if _, err = try(seed, openBeforeClose); seed > seedsToCatch {
			t.Fatal("the mistake is not caught")
		}
	}
	seed--
	w := newWorld(seed, openBeforeClose, false)
	bare := w.run()
	if bare == nil || !strings.HasSuffix(err.Error(), bare.Error()) {
		t.Fatalf("seed %d ran again: %v, at first: %v", seed, bare, err)
	}
	if _, again := try(seed, openBeforeClose); again.Error() != err.Error() {
		t.Errorf("seed %d has two stories", seed)
	}
	story := err.Error()
	for _, want := range []string{
		fmt.Sprintf("the story of seed %d", seed), fmt.Sprintf("%s=%d go test", envSeed, seed), fmt.Sprintf("in step %d", w.steps),
		"applied", "OpenStreams", "opens stream", "FenceNode", "dies",
	} {
		if !strings.Contains(story, want) {
			t.Errorf("the story does not say %q", want)
		}
	}
	if _, err := try(seed, noMistake); err != nil {
		t.Errorf("without the mistake: %v", err)
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
		ackPastLease:      "acknowledge past the lease",
		acceptAbandoned:   "commit an upload from a WAL that was given up",
		reportTooLittle:   "report less than is lost",
		passTooMuch:       "pass over more than is lost",
		heedLateWrites:    "acknowledge what is late to be durable in a log that was given up",
		closeAtAppended:   "close streams of a failed log where it had appended to",
		repeatLost:        "acknowledge the repetition of a record that was lost",
		deleteAtOnce:      "delete objects as soon as they are removed",
		sameEpoch:         "give up the end of a stream without a new epoch",
		tellNobody:        "do not tell consumers what was lost",
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
