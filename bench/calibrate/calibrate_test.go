package calibrate

import (
	"context"
	"errors"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/s3sim"
	"github.com/seawallmq/seawall/internal/s3sim/leap"
	"github.com/seawallmq/seawall/internal/s3sim/model"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/fault"
	"github.com/seawallmq/seawall/s3stream/objstore/file"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
	"github.com/seawallmq/seawall/s3stream/objstore/s3"
)

func options(s objstore.Store, c clock.Clock) Options {
	return Options{Store: s, URL: "s3://b", Prefix: "calibration", Sizes: []int{4 << 10, 64 << 10, 1 << 20}, Samples: 200, Each: time.Hour, Clock: c}
}

// A profile taken of a simulated store is that store's profile.
func TestFindsTheProfileOfASimulatedStore(t *testing.T) {
	c := leap.New(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC))
	p, err := s3sim.LoadProfile("s3-standard")
	if err != nil {
		t.Fatal(err)
	}
	p.Stalls, p.Errors = nil, nil
	sim, err := s3sim.New(s3sim.Options{Dir: t.TempDir(), Profile: p, Seed: 1, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		sim.Close()
	})
	store, err := s3.Open(t.Context(), s3.Options{Bucket: "b", Endpoint: server.URL, PathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), options(store, c))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Conditional {
		t.Error("the store's conditions were not found")
	}
	for op, sizes := range map[model.Op][]int64{model.Put: {4 << 10, 64 << 10, 1 << 20}, model.Get: {0}, model.Head: {0}, model.List: {0}, model.Delete: {0}} {
		for i, bytes := range sizes {
			got := r.Profile.Latency[op][i]
			want := p.LatencyOf(op, bytes, 0).Seconds() * 1e3
			sigma := math.Log(p.LatencyOf(op, bytes, 1).Seconds() * 1e3 / want)
			if got.Bytes != bytes || math.Abs(got.MedianMS/want-1) > 0.12 || math.Abs(got.Sigma/sigma-1) > 0.25 {
				t.Errorf("%s of %d bytes: %+v, want %.1f ms, sigma %.2f", op, bytes, got, want, sigma)
			}
		}
	}
	if got := r.Profile.Connection.BytesPerSecond; math.Abs(got/80e6-1) > 0.25 {
		t.Errorf("a connection has %v bytes a second", got)
	}
	if source := r.Profile.Latency[model.Put][0].Source.Source; source != "measured by seawall bench store on 2026-11-25 against s3://b" {
		t.Errorf("source: %s", source)
	}
	if st := sim.Stats(); st.Objects != 0 {
		t.Errorf("%d objects are left", st.Objects)
	}
	var text strings.Builder
	if err := r.Text(&text); err != nil || !strings.Contains(text.String(), "PUT, if absent: refused") || !strings.Contains(text.String(), "One connection: ") {
		t.Errorf("%v\n%s", err, text.String())
	}
}

func TestADirectoryHasAProfileToo(t *testing.T) {
	dir := t.TempDir()
	store, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	o := options(store, clock.Wall())
	o.Sizes, o.Samples, o.URL = []int{4 << 10}, samplesMin, "file:///somewhere"
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows[0].What != Put || r.Rows[0].Quantile(0.5) <= 0 {
		t.Errorf("%+v", r.Rows[0])
	}
	if left, err := store.List(t.Context(), "", "", 10); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// refusing is a store that takes no writes.
type refusing struct{ objstore.Store }

func (refusing) Put(context.Context, string, objstore.Body, objstore.PutOptions) error {
	return objstore.Wrap("put", "k", objstore.ErrDenied)
}

func TestStallsAreNoPartOfTheDistribution(t *testing.T) {
	r := &Report{Rows: []Row{{What: Put, Bytes: 1}}}
	for range 98 {
		r.Rows[0].took = append(r.Rows[0].took, 30*time.Millisecond)
	}
	r.Rows[0].took = append(r.Rows[0].took, 2*time.Second, 9*time.Second)
	want := model.Stalls{Share: 0.02, ShortestMS: 2000, LongestMS: 9000}
	if got := r.stalls(100, model.Source{}); got == nil || *got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if median, sigma := lognormal(&r.Rows[0]); median != 30 || sigma != 0 {
		t.Errorf("%v ms, sigma %v", median, sigma)
	}
	slow := &Report{Rows: []Row{{What: Put, took: []time.Duration{time.Second, 2 * time.Second}}}}
	if got := slow.stalls(2, model.Source{}); got != nil {
		t.Errorf("a store that is slow throughout stalls: %+v", got)
	}
}

func TestRefusalsAreTold(t *testing.T) {
	inner := mem.New(clock.Wall())
	if _, err := Run(t.Context(), options(refusing{inner}, clock.Wall())); !errors.Is(err, objstore.ErrDenied) || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("a store that refuses writes: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o := options(inner, clock.Wall())
	o.Progress = func(Row) { cancel() }
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("a calibration that was cut short: %v", err)
	}
	if left, _ := inner.List(t.Context(), "", "", 10); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
	o.Samples = 1
	if _, err := Run(t.Context(), o); err == nil {
		t.Error("one sample is enough")
	}
}

// Failures that may pass are counted and go into the profile.
func TestFailuresAreCounted(t *testing.T) {
	c := clock.Wall()
	script := func(op fault.Op) fault.Fault {
		if op.N%10 == 9 && op.Name != "delete" {
			return fault.Fault{Err: objstore.ErrUnavailable}
		}
		return fault.Fault{}
	}
	o := options(fault.New(mem.New(c), c, script), c)
	o.Sizes, o.Samples = []int{4 << 10}, 50
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if e := r.Profile.Errors; e == nil || e.Share < 0.05 || e.Share > 0.15 {
		t.Errorf("errors: %+v", e)
	}
	all := func(fault.Op) fault.Fault { return fault.Fault{Err: objstore.ErrThrottled} }
	if _, err := Run(t.Context(), options(fault.New(mem.New(c), c, all), c)); !errors.Is(err, objstore.ErrThrottled) {
		t.Errorf("a store that never answers: %v", err)
	}
}
