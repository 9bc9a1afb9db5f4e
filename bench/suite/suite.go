package suite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/device"
	"github.com/seawallmq/seawall/bench/report"
)

// Options say what is measured with what.
type Options struct {
	Arms    []arm.Arm // of produce, in the order of the first round
	Seawall string    // the binary, for the parts that need no other broker
	// Scratch is an existing folder on the disk to be measured.
	Scratch string
	// Parts to measure; nil is all of Parts.
	Parts    []string
	Settings report.Settings
	// Settle is how long the machine is left alone before something is timed.
	Settle time.Duration
	// Profiles, if set, is a folder for CPU profiles of Seawall in the windows
	// of its loads; they cost it a little.
	Profiles string
	// Log is told what is going on.
	Log func(format string, args ...any)
}

const (
	// lifeTimeout bounds one life of a broker.
	lifeTimeout = 15 * time.Minute
	// walBytes is the default of `seawall start`.
	walBytes = 10 << 30
)

type suite struct {
	Options
	report *report.Report
}

type part struct {
	name string
	run  func(*suite, context.Context) error
}

var parts = []part{
	{"device", (*suite).device},
	{"produce", (*suite).produce},
	{"fence", (*suite).fence},
	{"start", (*suite).start},
	{"recovery", (*suite).recovery},
	{"cold", (*suite).cold},
	{"idle", (*suite).idle},
}

// Parts are the names of all parts, in order.
func Parts() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// Run measures and fills in the report. It returns an error only if it was
// interrupted; what failed otherwise stands in the report.
func Run(ctx context.Context, o Options, r *report.Report) error {
	s := &suite{Options: o, report: r}
	r.Settings = o.Settings
	for _, p := range parts {
		if !s.wants(p.name) {
			continue
		}
		s.Log("== %s", p.name)
		err := p.run(s, ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.fault(p.name, err)
		}
	}
	return nil
}

func (s *suite) wants(name string) bool {
	return s.Parts == nil || slices.Contains(s.Parts, name)
}

// fault notes what could not be measured.
func (s *suite) fault(what string, err error) {
	s.Log("FAILED %s: %v", what, err)
	oneLine := strings.Join(strings.Fields(err.Error()), " ")
	s.report.Faults = append(s.report.Faults, what+": "+oneLine)
}

// folder makes an empty folder below the scratch folder.
func (s *suite) folder() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp(s.Scratch, "bench-")
	return dir, func() { _ = os.RemoveAll(dir) }, err // it is scratch
}

// calm lets disk and machine come to rest.
func (s *suite) calm(ctx context.Context) error { return device.Settle(ctx, s.Scratch, s.Settle) }

// walAt overrides the WAL of a Seawall: a file in dir.
func walAt(dir string, bytes int64) string {
	return fmt.Sprintf("s3.wal.path=0@file://%s?capacity=%d", filepath.Join(dir, "wal"), bytes)
}

// life starts a broker in an empty folder, lets f use it, and removes both.
// The context that f gets ends with the broker.
func (s *suite) life(ctx context.Context, choose func(dir string) arm.Arm, f func(context.Context, *arm.Server) error) error {
	dir, remove, err := s.folder()
	if err != nil {
		return err
	}
	defer remove()
	if err := s.calm(ctx); err != nil {
		return err
	}
	server, err := choose(dir).Start(ctx, dir)
	if err != nil {
		return err
	}
	defer server.Kill()
	return f(ctx, server)
}
