package crash

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/wal/device/crash"
)

// explore runs a world for a number of crash points and returns the first
// fault found.
func explore(t testing.TB, seed uint64, points int, plant func(*world)) (*world, error) {
	w := newWorld(t, seed, plant)
	next := points / 6 // the present life ends after so many points
	for w.points < points && w.found == nil {
		w.step()
		if w.points >= next && w.found == nil {
			next += points / 6
			w.crashInto(crash.Variant(w.rng.IntN(int(crash.Variants))))
		}
	}
	return w, w.found
}

func TestCrashAtEveryStep(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w, err := explore(t, seed, 1700, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d points, %d lives, %d bytes, %d commits, %d changes of the bucket, %d objects deleted",
				w.points, w.lives, w.bytes, w.commits, w.puts, w.deletes)
			if w.commits < 20 || w.deletes < 1 || w.bytes < 3*capacity/2 {
				t.Error("the run is not worth its name")
			}
		})
	}
}

func TestPlantedMistakesAreCaught(t *testing.T) {
	for name, plant := range map[string]func(*world){
		"ack before durable": func(w *world) { w.node.dev.EarlyAck = true },
		"trim before commit": func(w *world) {
			w.node.meta.before = func(cmd image.Command) {
				if c, ok := cmd.(*image.CommitUpload); ok && len(c.Objects) > 0 {
					_, _, _ = w.node.meta.apply(&image.CommitUpload{Node: c.Node, NodeEpoch: c.NodeEpoch, WAL: c.WAL, Trim: c.Trim})
				}
			}
		},
		"commit before the object is there": func(w *world) {
			b := w.node.bucket
			var late []func()
			b.put = func(ctx context.Context, key string, body objstore.Body) error {
				body.Parts = [][]byte{slices.Concat(body.Parts...)}
				late = append(late, func() { _ = b.Store.Put(ctx, key, body, objstore.PutOptions{}) })
				return nil
			}
			told := w.node.meta.after
			w.node.meta.after = func(cmd image.Command) {
				told(cmd)
				for _, put := range late {
					put()
				}
				late = nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := explore(t, 9, 2000, plant)
			if err == nil {
				t.Fatal("not caught")
			}
			if strings.Contains(err.Error(), "boot: register") {
				t.Fatalf("caught for a wrong reason: %v", err)
			}
			t.Log(err)
		})
	}
}
