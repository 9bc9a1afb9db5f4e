package gc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
)

// world is a metadata and a store in which a failure can be planted before any
// step.
type world struct {
	prepared map[ids.ObjectID]meta.PreparedObject
	removed  map[ids.ObjectID]meta.RemovedObject
	objstore.Store
	failAt int
	steps  int
}

var errPlanted = errors.New("planted")

func (w *world) step() error {
	w.steps++
	if w.steps == w.failAt {
		return errPlanted
	}
	return nil
}

func (w *world) Prepared() (out []meta.PreparedObject) {
	for _, p := range w.prepared {
		out = append(out, p)
	}
	return out
}

func (w *world) Removed() (out []meta.RemovedObject) {
	for _, r := range w.removed {
		out = append(out, r)
	}
	return out
}

func (w *world) AbortObjects(_ context.Context, objects []ids.ObjectID) error {
	for _, id := range objects {
		if _, ok := w.prepared[id]; ok {
			delete(w.prepared, id)
			w.removed[id] = meta.RemovedObject{ID: id, Deletable: true}
		}
	}
	return w.step()
}

func (w *world) ForgetObjects(_ context.Context, objects []ids.ObjectID) error {
	for _, id := range objects {
		if left, _ := w.List(context.Background(), prefix(id), "", 1); len(left) > 0 {
			return fmt.Errorf("object %d forgotten while it lies in the bucket", id)
		}
		delete(w.removed, id)
	}
	return w.step()
}

func (w *world) Delete(ctx context.Context, keys ...string) error {
	if err := w.Store.Delete(ctx, keys...); err != nil {
		return err
	}
	return w.step()
}

func (w *world) keys(t *testing.T) []string {
	t.Helper()
	var out []string
	err := objstore.ListAll(context.Background(), w, "", func(e objstore.Entry) error {
		out = append(out, e.Key)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func prefix(id ids.ObjectID) string { return "o/" + id.String() + "/" }

func newWorld(t *testing.T, now time.Time) *world {
	t.Helper()
	w := &world{
		prepared: map[ids.ObjectID]meta.PreparedObject{}, removed: map[ids.ObjectID]meta.RemovedObject{},
		Store: mem.New(clock.NewManual(now)),
	}
	for _, p := range []meta.PreparedObject{
		{ID: 1, Abandoned: true, Since: now},         // of an earlier epoch
		{ID: 2, Since: now},                          // fresh
		{ID: 3, Since: now.Add(-2 * time.Hour)},      // left behind by an error
		{ID: 4, Since: now.Add(-2 * time.Hour)},      // in flight all that time
		{ID: 5, Since: now.Add(-30 * time.Minute)},   // not yet stale
		{ID: 6, Abandoned: true, Since: time.Time{}}, // never uploaded at all
		{ID: 600, Abandoned: true, Since: time.Time{}} /* and more */} {
		w.prepared[p.ID] = p
	}
	w.removed[10] = meta.RemovedObject{ID: 10, Key: prefix(10) + "a", Deletable: true}
	w.removed[11] = meta.RemovedObject{ID: 11, Key: prefix(11) + "a"} // a feed is behind
	for _, id := range []ids.ObjectID{1, 2, 3, 4, 5, 10, 11, 20} {
		if err := w.Put(context.Background(), prefix(id)+"a", objstore.NewBody([]byte("x")), objstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func TestCollectResumesAfterFailureAtAnyStep(t *testing.T) {
	now := time.Unix(1e9, 0)
	for failAt := range 5 {
		w := newWorld(t, now)
		w.failAt = failAt
		var told []ids.ObjectID
		c := New(Config{
			Meta: w, Store: w, Clock: clock.NewManual(now), Prefix: prefix, PreparedTTL: time.Hour,
			InFlight: func(id ids.ObjectID) bool { return id == 4 },
			Deleted:  func(id ids.ObjectID) { told = append(told, id) },
		})
		_, err := c.Collect(context.Background())
		if want := failAt >= 1 && failAt <= 3; errors.Is(err, errPlanted) != want {
			t.Fatalf("fail at %d: %v", failAt, err)
		}
		if err != nil {
			if _, err := c.Collect(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"o/11/a", "o/2/a", "o/20/a", "o/4/a", "o/5/a"}, w.keys(t)); diff != "" {
			t.Errorf("fail at %d: bucket: %s", failAt, diff)
		}
		if len(w.removed) != 1 || len(w.prepared) != 3 {
			t.Errorf("fail at %d: metadata keeps %v and %v", failAt, w.removed, w.prepared)
		}
		if failAt != 3 && !slices.Contains(told, 10) {
			t.Errorf("fail at %d: caches not told: %v", failAt, told)
		}
	}
}
