package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/bench/calibrate"
	"github.com/seawallmq/seawall/bench/units"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/storeurl"
)

func newBenchStoreCommand(p *process) *cobra.Command {
	var f benchStoreFlags
	c := &cobra.Command{
		Use:   "store URL",
		Short: "Measure an object store, and take a profile of it",
		Long: "Measure an object store, one request at a time: writes, reads, listings, deletes. URL is as in\n" +
			"s3.data.buckets: 0@s3://bucket?region=… or 0@file:///path.\n\n" +
			"It writes some hundred objects of up to 8 MiB under a prefix of its own and deletes them again;\n" +
			"requests and bytes are charged as usual. From what it finds it fits a profile, with which a simulated\n" +
			"store behaves alike: see seawall bench s3sim --help.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := p.untilSignal(cmd.Context())
			defer stop()
			return f.run(ctx, cmd, args[0])
		},
	}
	c.Flags().IntVar(&f.samples, "samples", 100, "requests of each kind and size")
	c.Flags().DurationVar(&f.each, "each", 10*time.Second, "no more requests of a kind and size after this `time`")
	c.Flags().StringVar(&f.out, "out", "store-profile.json", "`file` for the profile; - prints it instead of the table")
	return c
}

// benchStoreFlags are the flags of the command.
type benchStoreFlags struct {
	samples int
	each    time.Duration
	out     string
}

// run measures the store at url.
func (f *benchStoreFlags) run(ctx context.Context, cmd *cobra.Command, url string) error {
	if _, err := storeurl.Parse(url); err != nil {
		return usageError{err}
	}
	// An attempt that was repeated would count as a slow one.
	store, err := storeurl.Open(ctx, url, storeurl.Deps{
		Clock: clock.Wall(), Rand: rand.Int64N, Retry: objstore.RetryOptions{Attempts: 1},
	})
	if err != nil {
		return err
	}
	defer store.Close()
	r, err := calibrate.Run(ctx, calibrate.Options{
		Store: store, URL: url, Prefix: fmt.Sprintf("seawall-bench/%016x", rand.Uint64()),
		Sizes: calibrate.SizesDefault(), Samples: f.samples, Each: f.each, Clock: clock.Wall(),
		Progress: func(row calibrate.Row) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s (object of %s): p50 %s\n", row.What, units.Size(float64(row.Bytes)), units.Duration(row.Quantile(0.5)))
		},
	})
	if err != nil {
		return fmt.Errorf("%s: %w%s", store.Location, err, storeAdvice(err))
	}
	var profile bytes.Buffer
	encoder := json.NewEncoder(&profile)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // there are URLs in it
	if err := encoder.Encode(r.Profile); err != nil {
		return err
	}
	if f.out == "-" {
		_, err = profile.WriteTo(cmd.OutOrStdout())
		return err
	}
	if err := r.Text(cmd.OutOrStdout()); err != nil {
		return err
	}
	if err := os.WriteFile(f.out, profile.Bytes(), 0o644); err != nil {
		return err
	}
	name := f.out
	if !strings.Contains(name, "/") {
		name = "./" + name
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "\nThe profile is in %s: seawall bench s3sim --profile %s\n", f.out, name)
	return err
}

// storeAdvice says what may help against an error, on a line of its own.
func storeAdvice(err error) string {
	switch {
	case errors.Is(err, objstore.ErrDenied):
		return "\nthe credentials must allow to put, get, list and delete objects: see AWS_ACCESS_KEY_ID, AWS_PROFILE"
	case errors.Is(err, objstore.ErrThrottled):
		return "\nthe store asks for fewer requests: try again later, or with fewer --samples"
	case errors.Is(err, objstore.ErrUnavailable):
		return "\nis the endpoint right, and does the bucket's region answer from here?"
	}
	return ""
}
