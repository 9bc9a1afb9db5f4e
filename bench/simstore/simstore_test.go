package simstore

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/s3sim"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/storeurl"
)

// TestMain lets this binary stand for seawall, as far as `bench s3sim` goes.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "bench" && os.Args[2] == "s3sim" {
		if err := serve(os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func serve(args []string) error {
	f := flag.NewFlagSet("s3sim", flag.ContinueOnError)
	listen, dir, profile, seed := f.String("listen", "", ""), f.String("dir", "", ""), f.String("profile", "", ""), f.Uint64("seed", 0, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	p, err := s3sim.LoadProfile(*profile)
	if err != nil {
		return err
	}
	s, err := s3sim.New(s3sim.Options{Dir: *dir, Profile: p, Seed: *seed, Clock: clock.Wall()})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	return s.Serve(context.Background(), l) // until it is killed
}

func TestABrokerCanUseTheStore(t *testing.T) {
	ctx := t.Context()
	store, err := Start(ctx, os.Args[0], t.TempDir(), "none", 3)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, e := range store.Env {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	client, err := storeurl.Open(ctx, store.URL, storeurl.Deps{Clock: clock.Wall(), Rand: rand.Int64N, Retry: objstore.RetryOptions{Attempts: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	look := func() *s3sim.Stats {
		t.Helper()
		st, err := store.Stats(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	put := func(key string) error {
		return client.Put(ctx, key, objstore.NewBody(make([]byte, 1000)), objstore.PutOptions{})
	}
	if err := put("a"); err != nil {
		t.Fatal(err)
	}
	before := look()
	if err := put("b"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetRange(ctx, "a", 0, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	u := Between(before, look())
	if fmt.Sprint(u) != "{map[DELETE:0 GET:1 LIST:0 PUT:1] 1000 10}" {
		t.Errorf("used: %v", u)
	}
	if before.Seed != 3 || !store.Result("sea").Simulated || store.Profile.Name != "none" || store.PID() == os.Getpid() {
		t.Errorf("%+v, %+v", before, store)
	}
	if err := store.SetDown(ctx, true); err != nil {
		t.Fatal(err)
	}
	if err := put("c"); !errors.Is(err, objstore.ErrUnavailable) {
		t.Errorf("a store that is away: %v", err)
	}
	if err := store.SetDown(ctx, false); err != nil {
		t.Fatal(err)
	}
	if err := put("c"); err != nil {
		t.Error(err)
	}
	if _, err := Start(ctx, os.Args[0], t.TempDir(), "fast", 1); err == nil {
		t.Error("a profile that does not exist was served")
	}
}
