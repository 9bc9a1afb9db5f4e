package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/toxic"
)

// storedFor is how long records go to the store before it is away, and
// unstoredFor how long others go to the WAL alone after that.
const (
	storedFor   = time.Second
	unstoredFor = time.Second
)

// outage is a node that died with a WAL that nobody else reaches, and that is not
// where it was. Three partitions see it: one that was open in the WAL, one that
// had moved elsewhere shortly before, so that a part in its middle is in the WAL
// alone, and one that has nothing to do with it.
type outage struct {
	*rig
	open, moved, other *ledger

	victim   *node
	instance string // of the WAL
	aside    string // where its files are
	died     time.Time
	told     time.Time     // when everybody who was asked said that it is out of reach
	acked    [3]int        // how many acks each partition had by then, in this order
	longest  time.Duration // without an ack of the other partition, from the death to then

	// When the WAL was brought back or given up, when clients were told of a
	// leader of the open partition, and its first ack.
	ended, led, ack time.Time
}

// runAbandon has WALs that nobody can reach come back, and gives up others.
func runAbandon(ctx context.Context, s settings) (*rig, error) {
	fmt.Printf("cluster abandon: WALs that nobody else reaches, %d of each case, seed %d\n", s.abandons, s.seed)
	s.shape = func(r *rig, at int, p map[string]string) {
		p["s3.wal.path"] = fmt.Sprintf("0@file://%s?capacity=64MiB", r.walPath(at))
	}
	r, err := newRig(ctx, s, s.voters, false, append(strings.Fields(frequentUploads), "autobalancer.controller.enable=false")...)
	if err != nil {
		return r, err
	}
	random := rand.New(rand.NewPCG(s.seed, 0))
	for _, c := range []struct {
		name, topics string
		end          func(*outage, context.Context) error
	}{
		{"the node is back with it", "back", (*outage).bringBack},
		{"it is given up", "given-up", (*outage).giveUp},
	} {
		var reported, others, led, acks []time.Duration
		for n := range s.abandons {
			o := &outage{rig: r, victim: r.nodes[random.IntN(len(r.nodes))]}
			if err := o.run(ctx, fmt.Sprintf("%s-%d", c.topics, n+1), c.end); err != nil {
				return r, fmt.Errorf("%s: %w\n%s", c.name, err, r.logTails())
			}
			reported, others = append(reported, o.told.Sub(o.died)), append(others, o.longest)
			led, acks = append(led, o.led.Sub(o.ended)), append(acks, o.ack.Sub(o.ended))
		}
		fmt.Printf("a WAL that nobody reaches, %d times, until %s:\n", s.abandons, c.name)
		fmt.Printf("  kill -9 to its being reported everywhere: %s\n", load.Percentiles(reported))
		fmt.Printf("  longest time without an ack of another partition: %s\n", load.Percentiles(others))
		fmt.Printf("  from then until its own partition has a leader: %s\n", load.Percentiles(led))
		fmt.Printf("  from then to its first ack, of a client as its library sets it up: %s\n", load.Percentiles(acks))
	}
	return r, r.stop()
}

// run has the outage begin, be told, and end.
func (o *outage) run(ctx context.Context, name string, end func(*outage, context.Context) error) (err error) {
	defer func() {
		for _, l := range o.ledgers() {
			if *l != nil {
				(*l).Close()
			}
		}
	}()
	for i, l := range o.ledgers() {
		if *l, err = startLedger(ctx, o.rig, fmt.Sprintf("%s-%s", []string{"open", "moved", "other"}[i], name)); err != nil {
			return err
		}
	}
	if err := o.begin(ctx); err != nil {
		return err
	}
	if err := o.awaitTold(ctx); err != nil {
		return err
	}
	return end(o, ctx)
}

func (o *outage) ledgers() []**ledger { return []**ledger{&o.open, &o.moved, &o.other} }

// begin kills the node when its WAL has what nothing else has.
func (o *outage) begin(ctx context.Context) error {
	elsewhere := o.nodes[(slices.Index(o.nodes, o.victim)+1)%len(o.nodes)]
	if err := errors.Join(o.open.settle(ctx, o.victim), o.moved.settle(ctx, o.victim), o.other.settle(ctx, elsewhere)); err != nil {
		return err
	}
	if err := pause(ctx, storedFor); err != nil {
		return err
	}
	o.store.Proxy.Switch(toxic.Refuse)
	defer o.store.Proxy.Switch(toxic.Pass)
	if err := pause(ctx, unstoredFor); err != nil {
		return err
	}
	if err := o.moved.settle(ctx, elsewhere); err != nil {
		return err
	}
	var err error
	if o.instance, err = o.openWAL(ctx); err != nil {
		return err
	}
	o.other.gaps.begin()
	o.died = time.Now()
	o.victim.process.Kill9()
	o.aside = filepath.Join(o.dir, "aside")
	return o.moveWAL(filepath.Dir(o.walFile()), o.aside)
}

func (o *outage) walFile() string { return o.walPath(slices.Index(o.nodes, o.victim)) }

// moveWAL moves all files of the WAL from one directory to another, over what is
// there.
func (o *outage) moveWAL(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(from, filepath.Base(o.walFile())) + "*")
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no WAL of node %d is in %s", o.victim.ID, from)
	}
	for _, f := range files {
		err = errors.Join(err, os.Rename(f, filepath.Join(to, filepath.Base(f))))
	}
	return err
}

// openWAL is the instance that the victim writes, by the status of any node.
func (o *outage) openWAL(ctx context.Context) (string, error) {
	s, err := statusOf(ctx, o.living())
	if err != nil {
		return "", err
	}
	for _, w := range s.WALs {
		if w.Node == o.victim.ID && w.State == "open" && w.Rescuer < 0 {
			return w.Instance, nil
		}
	}
	return "", fmt.Errorf("node %d has no WAL that is open: %+v", o.victim.ID, s.WALs)
}

// living is a node that is not the victim.
func (o *outage) living() *node {
	return o.nodes[(slices.Index(o.nodes, o.victim)+1)%len(o.nodes)]
}

// awaitTold waits until the outage is told by everything that is asked, and other
// partitions go on.
func (o *outage) awaitTold(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, offlineTimeout)
	defer cancel()
	for {
		err := o.untold(ctx)
		if err == nil {
			break
		}
		if paused := pause(ctx, 20*time.Millisecond); paused != nil {
			return fmt.Errorf("the outage of node %d is not told: %w", o.victim.ID, errors.Join(err, paused))
		}
	}
	o.told = time.Now()
	for i, l := range o.ledgers() {
		if *l == o.open {
			o.acked[i] = (*l).count()
			continue
		}
		if _, err := (*l).gaps.await(ctx, o.told); err != nil {
			return fmt.Errorf("%s does not go on: %w", (*l).topic, err)
		}
		o.acked[i] = (*l).count()
	}
	o.longest = o.other.gaps.end()
	return nil
}

// untold is who does not tell of the outage yet, and nil once everybody does.
func (o *outage) untold(ctx context.Context) error {
	for _, n := range o.nodes {
		if n == o.victim {
			continue
		}
		m, err := n.broker.Metrics(ctx)
		if err != nil || m["seawall_partitions_offline"] < 1 || m["seawall_wals_out_of_reach"] < 1 {
			return fmt.Errorf("metrics of node %d: %v partitions offline, %v WALs out of reach, %w",
				n.ID, m["seawall_partitions_offline"], m["seawall_wals_out_of_reach"], err)
		}
		status, err := o.command(ctx, "status", "--admin", n.Admin)
		offline := regexp.MustCompile(`(?m)^` + o.open.topic + `-0 .* is out of reach: start node ` + strconv.Itoa(o.victim.ID))
		if err != nil || !offline.MatchString(status) {
			return fmt.Errorf("seawall status of node %d: %w:\n%s", n.ID, err, status)
		}
	}
	topics, err := o.open.admin.ListTopics(ctx, o.open.topic, o.moved.topic)
	if err != nil {
		return err
	}
	open, moved := topics[o.open.topic].Partitions[0], topics[o.moved.topic].Partitions[0]
	if open.Leader >= 0 || !errors.Is(open.Err, kerr.LeaderNotAvailable) || moved.Leader < 0 {
		return fmt.Errorf("clients are told of leaders %d (%w) and %d (%w)", open.Leader, open.Err, moved.Leader, moved.Err)
	}
	return nil
}

// command runs the program and returns what it printed.
func (r *rig) command(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, r.seawall, args...).CombinedOutput()
	return string(out), err
}

// bringBack puts the WAL back and starts the node: nothing is lost.
func (o *outage) bringBack(ctx context.Context) error {
	if err := o.moveWAL(o.aside, filepath.Dir(o.walFile())); err != nil {
		return err
	}
	o.ended = time.Now()
	if err := o.start(o.victim); err != nil {
		return err
	}
	if err := o.awaitOpen(ctx); err != nil {
		return err
	}
	if err := o.waitReady(ctx, o.nodes...); err != nil {
		return err
	}
	return o.judge(ctx, nil)
}

// giveUp has the WAL given up: what the command said before is lost and nothing
// else. Then the node is back with its old WAL, and is given the partition that
// was open in it.
func (o *outage) giveUp(ctx context.Context) error {
	lost, err := o.announced(ctx)
	if err != nil {
		return err
	}
	waiting, err := follow(o.moved.partition) // it comes to what is missing before that is given up
	if err != nil {
		return err
	}
	defer waiting.Close()
	o.ended = time.Now()
	out, err := o.command(ctx, "wal", "abandon", strconv.Itoa(o.victim.ID), "--yes", "--admin", o.living().Admin)
	if err != nil {
		return fmt.Errorf("wal abandon --yes: %w:\n%s", err, out)
	}
	if err := o.awaitOpen(ctx); err != nil {
		return err
	}
	if err := waiting.await(ctx, o.moved.since(o.acked[1])); err != nil {
		return fmt.Errorf("across what is lost: %w", err)
	}
	if err := o.moveWAL(o.aside, filepath.Dir(o.walFile())); err != nil {
		return err
	}
	if err := errors.Join(o.start(o.victim), o.waitReady(ctx, o.nodes...)); err != nil {
		return err
	}
	if err := o.open.settle(ctx, o.victim); err != nil {
		return err
	}
	if instance, err := o.openWAL(ctx); err != nil || instance == o.instance {
		return fmt.Errorf("node %d is back with WAL %s: %w", o.victim.ID, instance, err)
	}
	return o.judge(ctx, lost)
}

// lostLine is a line of `seawall wal abandon`.
var lostLine = regexp.MustCompile(`(?m)^(\S+)-0 +(?:from offset (\d+) on|offsets (\d+) to (\d+))`)

// announced is what `seawall wal abandon` says would be lost. It changes nothing.
func (o *outage) announced(ctx context.Context) (map[string]span, error) {
	out, err := o.command(ctx, "wal", "abandon", strconv.Itoa(o.victim.ID), "--admin", o.living().Admin)
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		return nil, fmt.Errorf("wal abandon without --yes: %w:\n%s", err, out)
	}
	lost := map[string]span{}
	for _, m := range lostLine.FindAllStringSubmatch(out, -1) {
		s := span{end: -1}
		if m[2] != "" {
			s.from, _ = strconv.ParseInt(m[2], 10, 64) // digits
		} else {
			s.from, _ = strconv.ParseInt(m[3], 10, 64)
			last, _ := strconv.ParseInt(m[4], 10, 64)
			s.end = last + 1
		}
		lost[m[1]] = s
	}
	open, ok := lost[o.open.topic]
	moved, ok2 := lost[o.moved.topic]
	if _, no := lost[o.other.topic]; no || !ok || !ok2 || open.end >= 0 || moved.end <= moved.from || open.from == 0 || moved.from == 0 {
		return nil, fmt.Errorf("wal abandon lists other losses than there are:\n%s", out)
	}
	return lost, nil
}

// awaitOpen waits for a leader and for the first ack of the partition that was
// open in the WAL.
func (o *outage) awaitOpen(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	for {
		_, err := o.open.leader(ctx)
		if err == nil {
			break
		}
		if paused := pause(ctx, 20*time.Millisecond); paused != nil {
			return fmt.Errorf("%s has no leader: %w", o.open.topic, errors.Join(err, paused))
		}
	}
	o.led = time.Now()
	var err error
	if o.ack, err = o.open.gaps.await(ctx, o.told); err != nil {
		err = fmt.Errorf("no ack of %s: %w", o.open.topic, err)
	}
	return err
}

// judge reads everything back; lost are the offsets that may be gone, by topic.
func (o *outage) judge(ctx context.Context, lost map[string]span) error {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	for i, at := range o.ledgers() {
		l := *at
		what, some := lost[l.topic]
		first := 0
		if some {
			first = o.acked[i]
		}
		if err := l.finish(ctx, first); err != nil {
			return err
		}
		gone, err := l.judge(ctx, o.acked[i], what)
		switch {
		case err != nil:
			return err
		case some && gone == 0:
			return fmt.Errorf("%s: nothing acknowledged was in offsets %+v, so nothing was shown", l.topic, what)
		case some && what.end >= 0:
			fmt.Printf("%s: offsets %d to %d lost as announced, %d acks gone, %d there\n", l.topic, what.from, what.end-1, gone, l.count()-gone)
		case some:
			fmt.Printf("%s: offsets from %d on lost as announced, %d acks gone, %d there\n", l.topic, what.from, gone, l.count()-gone)
		default:
			fmt.Printf("%s: %d acks there\n", l.topic, l.count())
		}
	}
	return nil
}
