package s3sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/s3sim/leap"
	"github.com/seawallmq/seawall/internal/s3sim/model"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/s3"
)

// began is when the clocks of these tests begin.
var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// without leaves a profile's stalls and errors out.
func without(p *model.Profile) *model.Profile {
	p.Stalls, p.Errors = nil, nil
	return p
}

func near(got, want time.Duration, share float64) bool {
	return float64(got) >= float64(want)*(1-share) && float64(got) <= float64(want)*(1+share)
}

// Over HTTP, writes of S3 Standard have the median and the 99th percentile that
// its profile says.
func TestWritesAreAsSlowAsTheProfile(t *testing.T) {
	c := leap.New(began)
	_, url := start(t, Options{Profile: without(profile(t, "s3-standard")), Seed: 1, Clock: c})
	store := client(t, url, "b", s3.ChecksumOff)
	const n = 1500
	took := make([]time.Duration, n)
	for i := range took {
		took[i] = c.Time(func() { put(t, store, "k", []byte("x")) })
	}
	slices.Sort(took)
	// 27 ms, and 27 ms × exp(0.33 × 2.326).
	if p50, p99 := took[n/2], took[n*99/100]; !near(p50, 27*time.Millisecond, 0.03) || !near(p99, 58*time.Millisecond, 0.1) {
		t.Errorf("p50 %v, p99 %v; want about 27 and 58 ms", p50, p99)
	}
}

// The same seed gives the n-th request of a kind the same latency, whatever was
// asked in between; another seed gives another.
func TestSeedsRepeat(t *testing.T) {
	run := func(seed uint64, between int) string {
		c := leap.New(began)
		_, url := start(t, Options{Profile: profile(t, "s3-standard"), Seed: seed, Clock: c})
		store := client(t, url, "b", s3.ChecksumOff)
		var took []time.Duration
		for range 20 {
			took = append(took, c.Time(func() {
				_ = store.Put(t.Context(), "k", objstore.NewBody([]byte("x")), objstore.PutOptions{})
			}))
			for range between {
				_, _ = store.Head(t.Context(), "k")
			}
		}
		return fmt.Sprint(took)
	}
	first := run(1, 0)
	if again := run(1, 2); again != first {
		t.Errorf("the same seed:\n%s\n%s", first, again)
	}
	if run(2, 0) == first {
		t.Error("another seed gave the same")
	}
}

// A read's first byte comes after the latency, its bytes at the bandwidth of a
// connection.
func TestReadsComeAtTheBandwidth(t *testing.T) {
	c := leap.New(began)
	p := profile(t, "none")
	p.Connection = &model.Bandwidth{BytesPerSecond: 1 << 20, Source: model.Source{Source: "test"}}
	_, url := start(t, Options{Profile: p, Clock: c})
	store := client(t, url, "b", s3.ChecksumOff)
	content := bytes.Repeat([]byte("x"), 3<<20+500)
	if took := c.Time(func() { put(t, store, "k", content) }); took != 0 {
		t.Errorf("a write without latency took %v", took)
	}
	for n, want := range map[int]time.Duration{1 << 10: time.Second / 1024, 3 << 20: 3 * time.Second} {
		took := c.Time(func() {
			if _, err := store.GetRange(t.Context(), "k", 500, make([]byte, n)); err != nil {
				t.Error(err)
			}
		})
		if !near(took, want, 0.001) {
			t.Errorf("%d bytes took %v, want %v", n, took, want)
		}
	}
}

// With a clock that stands: requests at once wait at once, and share the total
// bandwidth.
func TestLatencyIsNotSerialButTotalBandwidthIs(t *testing.T) {
	p := profile(t, "none")
	flat := []model.Point{{MedianMS: 1000, Source: model.Source{Source: "test"}}}
	p.Latency = map[model.Op][]model.Point{model.Put: flat, model.Get: flat, model.Head: flat, model.List: flat, model.Delete: flat}
	p.Total = &model.Bandwidth{BytesPerSecond: 1 << 20, Source: model.Source{Source: "test"}}
	c := &counting{Manual: clock.NewManual(time.Now()), armed: make(chan struct{}, 100)}
	s, url := start(t, Options{Profile: p, Clock: c})
	store := client(t, url, "b", s3.ChecksumOff)
	const writers = 4
	answered := make(chan error, writers)
	for i := range writers {
		go func() {
			answered <- store.Put(t.Context(), fmt.Sprint(i), objstore.NewBody(make([]byte, 1<<19)), objstore.PutOptions{})
		}()
	}
	for range writers {
		<-c.armed // all wait, none is answered
	}
	if n := s.Stats().Objects; n != 0 {
		t.Errorf("%d objects are there before their writes were answered", n)
	}
	// Half a second of bandwidth each: the first two hide behind the latency.
	for _, step := range []struct {
		advance time.Duration
		objects int
	}{{999 * time.Millisecond, 0}, {time.Millisecond, 2}, {500 * time.Millisecond, 3}, {500 * time.Millisecond, 4}} {
		c.Advance(step.advance)
		waitFor(t, func() bool { return s.Stats().Objects >= step.objects })
		if n := s.Stats().Objects; n != step.objects {
			t.Errorf("%d objects after %v more, want %d", n, step.advance, step.objects)
		}
	}
	for range writers {
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
}

// counting is a clock that tells of each timer.
type counting struct {
	*clock.Manual
	armed chan struct{}
}

func (c *counting) AfterFunc(d time.Duration, f func()) clock.Timer {
	timer := c.Manual.AfterFunc(d, f)
	c.armed <- struct{}{}
	return timer
}

// Past the rate of a prefix requests are refused, until time has passed.
func TestTooManyRequestsAreRefused(t *testing.T) {
	p := profile(t, "none")
	p.Writes = &model.Rate{PerSecond: 10, Source: model.Source{Source: "test"}}
	p.PrefixFolders = 1
	c := clock.NewManual(time.Now())
	s, url := start(t, Options{Profile: p, Clock: c})
	store := client(t, url, "b", s3.ChecksumOff)
	for range 10 {
		put(t, store, "a/k", nil)
	}
	err := store.Put(t.Context(), "a/k", objstore.NewBody(make([]byte, 1<<20)), objstore.PutOptions{})
	if !errors.Is(err, objstore.ErrThrottled) {
		t.Errorf("one more: %v", err)
	}
	put(t, store, "b/k", nil) // of another prefix
	if _, err := store.Head(t.Context(), "a/k"); err != nil {
		t.Errorf("a read beside too many writes: %v", err)
	}
	c.Advance(100 * time.Millisecond)
	put(t, store, "a/k", nil)
	if st := s.Stats(); st.Ops[model.Put].Throttled != 1 || st.Charged["PUT"] != 12 {
		t.Errorf("%+v", st.Ops[model.Put])
	}
}

func TestInjectedErrorsAndStalls(t *testing.T) {
	p := profile(t, "none")
	p.Errors = &model.Errors{Share: 0.5, Source: model.Source{Source: "test"}}
	p.Stalls = &model.Stalls{Share: 0.5, ShortestMS: 1000, LongestMS: 2000, Source: model.Source{Source: "test"}}
	c := leap.New(began)
	s, url := start(t, Options{Profile: p, Clock: c, Seed: 3})
	statuses := map[int]int{}
	stalled := 0
	for i := range 200 {
		r, err := http.NewRequest(http.MethodPut, fmt.Sprintf("%s/b/%d", url, i), bytes.NewReader([]byte("x")))
		if err != nil {
			t.Fatal(err)
		}
		took := c.Time(func() {
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
			statuses[answer.StatusCode]++
		})
		if took >= time.Second && took <= 2*time.Second {
			stalled++
		} else if took != 0 {
			t.Errorf("a write took %v", took)
		}
	}
	if statuses[200] < 70 || statuses[500] < 30 || statuses[503] < 30 || stalled < 70 || stalled > 130 {
		t.Errorf("%v, %d stalled", statuses, stalled)
	}
	st := s.Stats().Ops[model.Put]
	if st.Injected != int64(statuses[500]+statuses[503]) || st.Stalled != int64(stalled) || s.Stats().Objects != statuses[200] {
		t.Errorf("%+v", st)
	}
}

func TestProfilesThatComeWithSeawall(t *testing.T) {
	names := ProfileNames()
	if want := []string{"minio-like", "none", "s3-express", "s3-standard"}; !slices.Equal(names, want) {
		t.Errorf("there are %v, want %v", names, want)
	}
	for _, name := range names {
		if p := profile(t, name); p.Name != name {
			t.Errorf("%s is named %s", name, p.Name)
		}
	}
	if _, err := LoadProfile("s3"); err == nil {
		t.Error("a profile that is not there was found")
	}
	if _, err := LoadProfile("./missing.json"); err == nil {
		t.Error("a file that is not there was read")
	}
}
