package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/bench/device"
)

func newBenchDeviceCommand(p *process) *cobra.Command {
	var f benchDeviceFlags
	c := &cobra.Command{
		Use:   "device PATH",
		Short: "Measure a disk the way a WAL uses it",
		Long: "Measure durable writes by size and depth through the code of the WAL, beside fio where it is\n" +
			"installed. PATH is a folder on the disk; a file of 512 MiB is made in it and removed again, and another\n" +
			"for the WAL itself. With --raw PATH is a block device, the beginning of which is written over.\n\n" +
			"It takes some forty times --duration, and twenty seconds. Nothing else should run meanwhile.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := p.untilSignal(cmd.Context())
			defer stop()
			return f.run(ctx, cmd, args[0])
		},
	}
	c.Flags().DurationVar(&f.duration, "duration", time.Second, "of one measurement")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	c.Flags().BoolVar(&f.raw, "raw", false, "PATH is a block device: 512 MiB at its beginning ARE WRITTEN OVER")
	c.Flags().BoolVar(&f.overwrite, "overwrite", false, "with --raw, also if there is something on the device")
	return c
}

// benchDeviceFlags are the flags of the command.
type benchDeviceFlags struct {
	duration             time.Duration
	json, raw, overwrite bool
}

// run measures the disk at path.
func (f *benchDeviceFlags) run(ctx context.Context, cmd *cobra.Command, path string) (err error) {
	file, err := f.prepare(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Remove()) }()
	plan := device.Everyday(f.duration)
	plan.Log = func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...) }
	found, err := file.Survey(ctx, plan)
	if err != nil {
		return err
	}
	if f.json {
		e := json.NewEncoder(cmd.OutOrStdout())
		e.SetIndent("", "  ")
		return e.Encode(found)
	}
	found.Text(cmd.OutOrStdout())
	return nil
}

// prepare finds out what path is and makes space there.
func (f *benchDeviceFlags) prepare(path string) (*device.File, error) {
	if f.duration <= 0 {
		return nil, usageError{errors.New("--duration must be more than nothing")}
	}
	if f.overwrite && !f.raw {
		return nil, usageError{errors.New("--overwrite is for --raw")}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	isBlock := info.Mode()&os.ModeDevice != 0 && info.Mode()&os.ModeCharDevice == 0
	switch {
	case f.raw && !isBlock:
		return nil, usageError{fmt.Errorf("%s is no block device, and --raw wants one", path)}
	case f.raw:
		file, err := device.PrepareRaw(path, f.overwrite)
		if errors.Is(err, device.ErrInUse) {
			err = fmt.Errorf("%s: %w; --overwrite destroys what is there", path, err)
		}
		return file, err
	case isBlock:
		return nil, usageError{fmt.Errorf("%s is a block device: name a folder on it, or let it be written over with --raw", path)}
	case !info.IsDir():
		return nil, usageError{fmt.Errorf("%s is a file: name the folder that it lies in", path)}
	}
	return device.Prepare(path)
}
