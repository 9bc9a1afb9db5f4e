package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
)

// volumes is a cluster with exclusive WALs. Node 1 has the only controller and
// reaches nobody's WAL; nodes 2 to 4 bring those of the others to them by a
// script, and so may die two at a time.
type volumes struct {
	*probe
	random *rand.Rand
	dir    string // where the script looks, and says what it does
}

const (
	volumeNodes = 4
	// heldTimeout is above the time that a rescue may be held, so that only the
	// death of its rescuer ends it.
	heldTimeout = 10 * time.Minute
	// offlineTimeout bounds the wait until partitions are reported offline.
	offlineTimeout = 30 * time.Second
	// imageBytes is the size of a loop device.
	imageBytes = 65 << 20
)

// attachScript wraps what brings a volume: the first rescuer that runs it, while
// there is a file that says so, is held or refused.
const attachScript = `set -u
cd %s
if mode=$(cat mode 2>/dev/null) && mkdir first 2>/dev/null; then
	echo "$SEAWALL_NODE" > first/node.new
	mv first/node.new first/node
	case $mode in
	fail) echo "as it was told" >&2; exit 1 ;;
	hold) while [ -e first ]; do sleep 0.05; done ;;
	esac
fi
%s
`

// runVolumes has WALs in files of one directory, each locked by who has it.
func runVolumes(ctx context.Context, s settings) (*rig, error) {
	return runExclusive(ctx, s, "file", "", func(*rig) error { return nil })
}

// runDevices has WALs on loop devices, which a script detaches from the dead.
func runDevices(ctx context.Context, s settings) (*rig, error) {
	script, err := filepath.Abs("conformance/cluster/attach-loop.sh")
	if err != nil {
		return nil, err
	}
	if err := tryLoop(); err != nil {
		fmt.Printf("cluster devices: left out, this machine has no loop devices for us (root and losetup are needed): %v\n", err)
		return nil, nil
	}
	return runExclusive(ctx, s, "block", script, makeDevices)
}

func runExclusive(ctx context.Context, s settings, kind, attach string, prepare func(*rig) error) (*rig, error) {
	fmt.Printf("cluster volumes: exclusive WALs, kind %s, %d of each case, seed %d\n", kind, s.volumes, s.seed)
	s.voters, s.prepare = 1, prepare
	s.shape = func(r *rig, at int, p map[string]string) {
		p["s3.wal.path"] = fmt.Sprintf("0@%s://%s?capacity=64MiB", kind, r.walPath(at))
		p["s3.wal.attach.timeout.ms"] = fmt.Sprint(heldTimeout.Milliseconds())
		if at > 0 {
			p["s3.wal.rescue.paths"] = kind + "://" + filepath.Dir(r.walPath(at))
			p["s3.wal.attach.command"] = "sh " + filepath.Join(r.dir, "attach.sh")
		}
	}
	r, err := newRig(ctx, s, volumeNodes, false)
	if err != nil {
		return r, err
	}
	text := fmt.Sprintf(attachScript, r.dir, attach)
	if err := os.WriteFile(filepath.Join(r.dir, "attach.sh"), []byte(text), 0o600); err != nil {
		return r, err
	}
	p, err := newProbe(ctx, r, "volumes", load.Config{Rate: 500, InFlight: 20_000, ValueBytes: 300})
	if err != nil {
		return r, err
	}
	defer p.Close()
	v := &volumes{probe: p, random: rand.New(rand.NewPCG(s.seed, 0)), dir: r.dir}
	for _, c := range []struct {
		name string
		run  func(context.Context) (time.Duration, error)
	}{
		{"its holder is killed", v.killed},
		{"the first rescuer cannot attach it", v.refused},
		{"the first rescuer is killed while it attaches it", v.rescuerKilled},
		{"the first rescuer is killed while it reads it", v.rescuerKilledLater},
		{"its holder is paused until the partition is offline, from there on", v.paused},
	} {
		var took []time.Duration
		for range s.volumes {
			d, err := c.run(ctx)
			if err != nil {
				return r, fmt.Errorf("%s: %w\n%s", c.name, err, r.logTails())
			}
			took = append(took, d)
		}
		fmt.Printf("exclusive WAL (%s) to the first ack, %s: %s\n", kind, c.name, load.Percentiles(took))
	}
	return r, errors.Join(v.verify(ctx), r.stop())
}

// killed kills the leader.
func (v *volumes) killed(ctx context.Context) (time.Duration, error) {
	return v.rescue(ctx, "", func(*node) error { return nil })
}

// refused kills the leader; the first rescuer's command fails.
func (v *volumes) refused(ctx context.Context) (time.Duration, error) {
	return v.rescue(ctx, "fail", func(*node) error { return nil })
}

// rescuerKilled kills the leader, and its rescuer while that waits for the
// volume.
func (v *volumes) rescuerKilled(ctx context.Context) (time.Duration, error) {
	return v.rescue(ctx, "hold", func(first *node) error {
		first.process.Kill9()
		return os.RemoveAll(filepath.Join(v.dir, "first"))
	})
}

// rescuerKilledLater kills the leader, and its rescuer anywhere in what follows
// when it has the volume.
func (v *volumes) rescuerKilledLater(ctx context.Context) (time.Duration, error) {
	return v.rescue(ctx, "hold", func(first *node) error {
		if err := os.RemoveAll(filepath.Join(v.dir, "first")); err != nil {
			return err
		}
		err := pause(ctx, between(v.random, time.Millisecond, 120*time.Millisecond))
		first.process.Kill9()
		return err
	})
}

// rescue kills the leader and measures until another node acknowledges; mode is
// what the first rescuer's command does, and then is done with that rescuer.
func (v *volumes) rescue(ctx context.Context, mode string, then func(first *node) error) (time.Duration, error) {
	victim := v.nodes[1+v.random.IntN(volumeNodes-1)]
	if err := v.settle(ctx, victim); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if mode != "" {
		if err := os.WriteFile(filepath.Join(v.dir, "mode"), []byte(mode), 0o600); err != nil {
			return 0, err
		}
	}
	killed := time.Now()
	victim.process.Kill9()
	if mode != "" {
		first, err := v.firstRescuer(ctx)
		if err != nil {
			return 0, err
		}
		if err := os.Remove(filepath.Join(v.dir, "mode")); err != nil {
			return 0, err
		}
		if err := then(first); err != nil {
			return 0, err
		}
	}
	ack, err := v.gaps.await(ctx, killed)
	if err != nil {
		return 0, fmt.Errorf("no ack after node %d was killed: %w", victim.ID, err)
	}
	if err := os.RemoveAll(filepath.Join(v.dir, "first")); err != nil {
		return 0, err
	}
	return ack.Sub(killed), v.whole(ctx)
}

// firstRescuer waits until a node runs the script and is held or refused.
func (v *volumes) firstRescuer(ctx context.Context) (*node, error) {
	for {
		b, err := os.ReadFile(filepath.Join(v.dir, "first", "node"))
		if err == nil {
			id, err := strconv.Atoi(strings.TrimSpace(string(b)))
			if err != nil || id < 2 || id > volumeNodes {
				return nil, fmt.Errorf("node %q runs the attach command: %w", b, err)
			}
			return v.nodes[id-1], nil
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return nil, fmt.Errorf("nobody runs the attach command: %w", err)
		}
	}
}

// whole starts the nodes that are dead and waits for all.
func (v *volumes) whole(ctx context.Context) error {
	for _, n := range v.nodes {
		select {
		case <-n.process.Done():
			if err := v.start(n); err != nil {
				return err
			}
		default:
		}
	}
	return v.waitReady(ctx, v.nodes...)
}

// paused stops the leader, which keeps its volume: nobody can rescue it, and its
// partition is offline, as the status says. Then it goes on, finds that it was
// fenced, and the partition comes back.
func (v *volumes) paused(ctx context.Context) (time.Duration, error) {
	holder := v.nodes[1+v.random.IntN(volumeNodes-1)]
	if err := v.settle(ctx, holder); err != nil {
		return 0, err
	}
	stopped := time.Now()
	if err := holder.process.Signal(syscall.SIGSTOP); err != nil {
		return 0, err
	}
	err := errors.Join(v.awaitOffline(ctx, holder), v.awaitRefusals(ctx, holder))
	went := time.Now()
	if err := errors.Join(err, holder.process.Signal(syscall.SIGCONT)); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	// An earlier ack would be of another node without the WAL, or of a zombie.
	ack, err := v.gaps.await(ctx, stopped)
	if err != nil {
		return 0, fmt.Errorf("no ack after node %d went on: %w", holder.ID, err)
	}
	if ack.Before(went) {
		return 0, fmt.Errorf("an ack came while node %d had the only WAL and was paused", holder.ID)
	}
	return ack.Sub(went), v.waitReady(ctx, v.nodes...)
}

// awaitOffline waits until node 1 says that the partition waits for a node's WAL.
func (v *volumes) awaitOffline(ctx context.Context, holder *node) error {
	ctx, cancel := context.WithTimeout(ctx, offlineTimeout)
	defer cancel()
	for {
		s, err := statusOf(ctx, v.nodes[0])
		if err == nil && slices.ContainsFunc(s.Offline, func(p offline) bool { return p.Topic == v.topic }) {
			return nil
		}
		if paused := pause(ctx, 20*time.Millisecond); paused != nil {
			return fmt.Errorf("the partition of node %d is not told to be offline: %+v, %w", holder.ID, s.Offline, errors.Join(err, paused))
		}
	}
}

// awaitRefusals waits until a node has tried, and counted that it could not.
func (v *volumes) awaitRefusals(ctx context.Context, holder *node) error {
	ctx, cancel := context.WithTimeout(ctx, offlineTimeout)
	defer cancel()
	for {
		for _, n := range v.nodes {
			if n == holder {
				continue
			}
			if m, err := n.broker.Metrics(ctx); err == nil && m["seawall_rescue_failures_total"] > n.refusals {
				n.refusals = m["seawall_rescue_failures_total"]
				return nil
			}
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("nobody counts a rescue that failed: %w", err)
		}
	}
}

// walPath is where the WAL of the node at a place is.
func (r *rig) walPath(at int) string {
	return filepath.Join(r.dir, "wal", fmt.Sprintf("node-%d", r.nodes[at].ID))
}

// tryLoop says why loop devices do not work here, if they do not.
func tryLoop() error {
	f, err := os.CreateTemp("", "loop-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(f.Truncate(1<<20), f.Close()); err != nil {
		return err
	}
	device, err := losetup("--find", "--show", f.Name())
	if err == nil {
		_, err = losetup("--detach", device)
	}
	return err
}

// makeDevices makes a loop device for each node, to be let go by dropDevices.
func makeDevices(r *rig) error {
	if err := os.MkdirAll(filepath.Join(r.dir, "wal"), 0o755); err != nil {
		return err
	}
	for at := range r.nodes {
		link := r.walPath(at)
		f, err := os.Create(link + ".img")
		if err != nil {
			return err
		}
		if err := errors.Join(f.Truncate(imageBytes), f.Close()); err != nil {
			return err
		}
		device, err := losetup("--find", "--show", "--direct-io=on", link+".img")
		if err != nil {
			return err
		}
		r.images = append(r.images, link+".img")
		if err := os.Symlink(device, link); err != nil {
			return err
		}
	}
	return nil
}

// dropDevices detaches the loop devices, once their holders are dead.
func (r *rig) dropDevices() {
	for _, image := range r.images {
		devices, err := losetup("--noheadings", "--output", "NAME", "--associated", image)
		for _, d := range strings.Fields(devices) {
			_, failed := losetup("--detach", d)
			err = errors.Join(err, failed)
		}
		if err != nil {
			fmt.Printf("%s stays attached: %v\n", image, err)
		}
	}
}

func losetup(args ...string) (string, error) {
	out, err := exec.Command("losetup", args...).CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("losetup: %w: %s", err, text)
	}
	return text, nil
}
