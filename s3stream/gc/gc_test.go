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
)

// world is a metadata and a store in which a failure can be planted before any
// step.
type world struct {
	prepared map[ids.ObjectID]meta.PreparedObject
	removed  map[ids.ObjectID]bool // deletable?
	bucket   map[string]bool
	failAt   int
	steps    int
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
	for id, ok := range w.removed {
		out = append(out, meta.RemovedObject{ID: id, Deletable: ok})
	}
	return out
}

func (w *world) AbortObjects(_ context.Context, objects []ids.ObjectID) error {
	for _, id := range objects {
		if _, ok := w.prepared[id]; ok {
			delete(w.prepared, id)
			w.removed[id] = true
		}
	}
	return w.step()
}

func (w *world) ForgetObjects(_ context.Context, objects []ids.ObjectID) error {
	for _, id := range objects {
		if w.bucket[key(id)] {
			return fmt.Errorf("object %d forgotten while it lies in the bucket", id)
		}
		delete(w.removed, id)
	}
	return w.step()
}

func (w *world) Delete(_ context.Context, keys ...string) error {
	for _, k := range keys {
		delete(w.bucket, k)
	}
	return w.step()
}

func key(id ids.ObjectID) string { return "o/" + id.String() }

func newWorld(now time.Time) *world {
	w := &world{prepared: map[ids.ObjectID]meta.PreparedObject{}, removed: map[ids.ObjectID]bool{}, bucket: map[string]bool{}}
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
	w.removed[10], w.removed[11] = true, false
	for _, id := range []ids.ObjectID{1, 2, 3, 4, 5, 10, 11, 20} {
		w.bucket[key(id)] = true
	}
	return w
}

func TestCollectResumesAfterFailureAtAnyStep(t *testing.T) {
	now := time.Unix(1e9, 0)
	for failAt := range 5 {
		w := newWorld(now)
		w.failAt = failAt
		var told []ids.ObjectID
		c := New(Config{
			Meta: w, Store: w, Clock: clock.NewManual(now), Key: key, PreparedTTL: time.Hour,
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
		var left []string
		for k := range w.bucket {
			left = append(left, k)
		}
		slices.Sort(left)
		if diff := cmp.Diff([]string{"o/11", "o/2", "o/20", "o/4", "o/5"}, left); diff != "" {
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

func TestAuditListsWhatMetadataDoesNotKnow(t *testing.T) {
	list := func(_ context.Context, f func(string, int64) error) error {
		for i, k := range []string{"o/1", "o/2", "strange"} {
			if err := f(k, int64(i)); err != nil {
				return err
			}
		}
		return nil
	}
	parse := func(k string) (id ids.ObjectID, ok bool) {
		_, err := fmt.Sscanf(k, "o/%d", &id)
		return id, err == nil
	}
	got, err := Audit(context.Background(), list, parse, func(id ids.ObjectID) bool { return id == 1 })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Orphan{{"o/2", 1}, {"strange", 2}}, got); diff != "" {
		t.Error(diff)
	}
	down := func(context.Context, func(string, int64) error) error { return errPlanted }
	if _, err := Audit(context.Background(), down, parse, nil); !errors.Is(err, errPlanted) {
		t.Errorf("got %v", err)
	}
}
