package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/toxic"
)

// What the rounds without frequent uploads, and those with them, gather for one
// object of a topic that is acknowledged from object storage.
const (
	gatherMs         = "25"
	gatherFrequentMs = "5"
)

const (
	// simulatedTopicRounds is how many rounds write to one topic where reading
	// it back takes a request to the store for every few milliseconds of it.
	simulatedTopicRounds = 4
	// switchOdds is one in how many rounds switches the mode of a topic.
	switchOdds = 2
	// switchEarliest is how long before a kill a switch comes at most.
	switchEarliest = 300 * time.Millisecond
	// switchTimeout bounds how long the broker takes to accept one.
	switchTimeout = 30 * time.Second
)

// simulates says whether the store is a simulated one.
func (s *settings) simulates() bool { return s.direct || s.diskless }

// mode is what is added to the name of the run.
func (s *settings) mode() string {
	switch {
	case s.direct:
		return " -direct"
	case s.diskless:
		return " -diskless"
	}
	return ""
}

// topic is one to write to.
type topic struct {
	name     string
	configs  map[string]string
	switched bool // between the ends of durability
}

// topics are written to in the same rounds.
func (s *settings) topics() []topic {
	if s.diskless {
		return []topic{
			{name: "kill9-diskless", configs: map[string]string{disklessEnable: "true"}},
			{name: "kill9-switched", configs: map[string]string{disklessEnable: "true"}, switched: true},
			{name: "kill9-classic"},
		}
	}
	return []topic{{name: "kill9"}}
}

// properties are the overrides of a round.
func (k *killer) properties(frequent bool) []string {
	list := strings.Fields(k.overrides)
	gather := gatherMs
	if frequent {
		gather = gatherFrequentMs
		list = append(list, strings.Fields(k.frequent)...)
	}
	switch {
	case k.direct:
		return append(list, "s3.wal.path=0@s3://?batchInterval="+gather)
	case k.diskless:
		list = append(list, "diskless.append.commit.interval.ms="+gather)
	}
	if k.walBytes != "" {
		list = append(list, "s3.wal.path=0@file://"+filepath.Join(k.broker.Dir, "data", "seawall.wal")+"?capacity="+k.walBytes)
	}
	return list
}

// startStore starts the store, which outlives the broker's kills.
func (k *killer) startStore(ctx context.Context) (err error) {
	if k.store, err = toxic.StartSimulated(ctx, k.seawall, k.broker.Dir, k.profile, k.seed); err != nil {
		return err
	}
	k.broker.Store, k.broker.Env = k.store.URL(), k.store.Env()
	return nil
}

const disklessEnable = "diskless.enable"

// switched is a load on a topic that goes from one end of durability to the other.
type switched struct {
	load     *load.Load
	diskless bool
}

// switchMode switches the topic, if there is one, in some rounds, and lets the
// load run on a little, so that the kill that follows comes at any point of it.
func (k *killer) switchMode(ctx context.Context) (what string, err error) {
	t := k.switched
	if t == nil || k.random.IntN(switchOdds) > 0 {
		return "", nil
	}
	t.diskless = !t.diskless
	altering, cancel := k.process.While(ctx, switchTimeout)
	defer cancel()
	if err := t.load.SetConfig(altering, disklessEnable, strconv.FormatBool(t.diskless)); err != nil {
		return "", err
	}
	after := k.randomDuration(switchEarliest)
	return fmt.Sprintf(", %d ms after a switch to %s=%t", after.Milliseconds(), disklessEnable, t.diskless), k.runFor(ctx, after)
}
