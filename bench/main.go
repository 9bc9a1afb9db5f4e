package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/nullbroker"
	"github.com/seawallmq/seawall/bench/report"
	"github.com/seawallmq/seawall/bench/suite"
)

const (
	// driverGCPercent makes the driver's own collections rare.
	driverGCPercent = 400
	// settle lets the machine come to rest before something is timed.
	settle = 2 * time.Second
	// keptPage has the figures that a run is compared with.
	keptPage = "docs/performance.md"
)

// flags of the command.
type flags struct {
	root, seawall, klite, scratch, out, page, commit string
	kafka                                            bool
	only                                             string
	settings                                         report.Settings
	nullBroker                                       string
	profile                                          bool
}

func parseFlags() flags {
	var f flags
	flag.StringVar(&f.root, "root", ".", "the checkout")
	flag.StringVar(&f.seawall, "seawall", "./seawall", "the seawall binary")
	flag.BoolVar(&f.kafka, "kafka", false, "measure Apache Kafka too, as shipped and with an fsync a message (needs Java and Maven)")
	flag.StringVar(&f.klite, "klite", os.Getenv("KLITE"), "measure this klite binary too")
	flag.StringVar(&f.scratch, "scratch", "", "an existing folder on the disk to be measured (default: a temporary one)")
	flag.StringVar(&f.out, "out", "bench/out", "where the results go")
	flag.StringVar(&f.page, "page", "", "a Markdown page whose figures are to be renewed")
	flag.StringVar(&f.commit, "commit", "unknown", "what is measured")
	flag.StringVar(&f.only, "only", "", "parts to measure, of "+strings.Join(suite.Parts(), ",")+" (default: all)")
	flag.IntVar(&f.settings.Rounds, "rounds", 3, "how often everything is measured")
	flag.DurationVar(&f.settings.WarmUp, "warmup", 3*time.Second, "load before the window that counts")
	flag.DurationVar(&f.settings.Duration, "duration", 10*time.Second, "the window that counts")
	flag.IntVar(&f.settings.Partitions, "partitions", 6, "of each topic")
	flag.IntVar(&f.settings.RecordBytes, "record-bytes", 1024, "key and value of each record together")
	flag.StringVar(&f.nullBroker, "null-broker", "", "only run the broker that does nothing, at this address")
	flag.BoolVar(&f.profile, "profile", false, "take CPU profiles of Seawall under its loads, into the output folder")
	flag.Parse()
	return f
}

func main() {
	f := parseFlags()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := measure
	if f.nullBroker != "" {
		run = runNullBroker
	}
	if err := run(ctx, f); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// runNullBroker is what the null arm starts.
func runNullBroker(ctx context.Context, f flags) error {
	b, err := nullbroker.Start(f.nullBroker, f.settings.Partitions)
	if err != nil {
		return err
	}
	<-ctx.Done()
	b.Close()
	return nil
}

func measure(ctx context.Context, f flags) error {
	debug.SetGCPercent(driverGCPercent)
	o, err := f.options()
	if err != nil {
		return err
	}
	if f.scratch == "" {
		if o.Scratch, err = os.MkdirTemp("", "seawall-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(o.Scratch)
	}
	r := &report.Report{Date: time.Now(), Commit: f.commit, Machine: report.ThisMachine()}
	if err := suite.Run(ctx, o, r); err != nil {
		return err
	}
	r.Judge()
	r.Text(os.Stdout)
	if kept, err := report.ReadKept(filepath.Join(f.root, keptPage)); err != nil {
		fmt.Printf("\nno figures to compare with: %v\n", err)
	} else {
		r.Against(os.Stdout, kept)
	}
	return f.write(r)
}

// options builds what the suite is to do.
func (f flags) options() (suite.Options, error) {
	self, err := os.Executable()
	if err != nil {
		return suite.Options{}, err
	}
	began := time.Now()
	o := suite.Options{
		Seawall: f.seawall, Scratch: f.scratch, Settings: f.settings, Settle: settle,
		Log: func(format string, args ...any) {
			fmt.Printf("%5.0fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
		},
	}
	if f.profile {
		o.Profiles = f.out
		if err := os.MkdirAll(f.out, 0o755); err != nil {
			return o, err
		}
	}
	if f.only != "" {
		o.Parts = strings.Split(f.only, ",")
		for _, p := range o.Parts {
			if !slices.Contains(suite.Parts(), p) {
				return o, fmt.Errorf("no part is named %q; there are %s", p, strings.Join(suite.Parts(), ", "))
			}
		}
	}
	if f.settings.Rounds < 1 {
		return o, errors.New("at least one round")
	}
	o.Arms = []arm.Arm{arm.Null(self, f.settings.Partitions), arm.Seawall(f.seawall)}
	if f.kafka {
		o.Arms = append(o.Arms, arm.Kafka(f.root), arm.KafkaSync(f.root))
	}
	if f.klite != "" {
		o.Arms = append(o.Arms, arm.Klite(f.klite))
	}
	return o, nil
}

// write leaves the report where it is looked for.
func (f flags) write(r *report.Report) error {
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return err
	}
	var markdown, json strings.Builder
	r.Markdown(&markdown)
	if err := r.JSON(&json); err != nil {
		return err
	}
	name := r.Date.UTC().Format("20060102-150405")
	for file, content := range map[string]string{name + ".json": json.String(), name + ".md": markdown.String()} {
		if err := os.WriteFile(filepath.Join(f.out, file), []byte(content), 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("\nwritten to %s.json and .md\n", filepath.Join(f.out, name))
	if f.page == "" {
		return nil
	}
	return report.RenewPage(f.page, report.Mark, markdown.String())
}
