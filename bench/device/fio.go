package device

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"time"

	"github.com/seawallmq/seawall/bench/hist"
)

// FioJob is one thing that fio is to measure on a File.
type FioJob struct {
	Read       bool // else durable writes
	BlockBytes int
	Depth      int
	Duration   time.Duration
}

// FioResult is what fio says.
type FioResult struct {
	Version        string
	BytesPerSecond float64
	Latency        hist.Summary
}

// ErrNoFio says that fio is not installed.
var ErrNoFio = errors.New("fio is not installed (Debian: fio)")

// Fio lets fio do what WriteLatency and Bandwidth do: direct I/O into written
// space, block behind block, each write durable by O_DSYNC. At depth 1 it uses
// a blocking call, as the WAL does, else Linux's asynchronous I/O.
func (f *File) Fio(ctx context.Context, job FioJob) (FioResult, error) {
	if _, err := exec.LookPath("fio"); err != nil {
		return FioResult{}, ErrNoFio
	}
	args := []string{
		"--name=seawall", "--filename=" + f.path, "--size=" + strconv.Itoa(fileBytes), "--allow_file_create=0",
		"--direct=1", "--overwrite=1", "--time_based=1",
		"--runtime=" + strconv.FormatInt(job.Duration.Milliseconds(), 10) + "ms",
		"--bs=" + strconv.Itoa(job.BlockBytes), "--iodepth=" + strconv.Itoa(job.Depth),
		"--lat_percentiles=1", "--clat_percentiles=0", "--percentile_list=50:95:99:99.9", "--output-format=json",
	}
	if job.Read {
		args = append(args, "--rw=read")
	} else {
		args = append(args, "--rw=write", "--sync=dsync")
	}
	if job.Depth == 1 {
		args = append(args, "--ioengine=psync")
	} else {
		args = append(args, "--ioengine=libaio")
	}
	out, err := exec.CommandContext(ctx, "fio", args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return FioResult{}, fmt.Errorf("fio %v: %w", args, err)
	}
	return parseFio(out, job.Read)
}

// fioOutput is what we need of fio's JSON.
type fioOutput struct {
	Version string `json:"fio version"`
	Jobs    []struct {
		Read  fioDirection `json:"read"`
		Write fioDirection `json:"write"`
	} `json:"jobs"`
}

type fioDirection struct {
	BytesPerSecond float64 `json:"bw_bytes"`
	Latency        struct {
		Count       int64            `json:"N"`
		Max         int64            `json:"max"`
		Percentiles map[string]int64 `json:"percentile"`
	} `json:"lat_ns"`
}

func parseFio(out []byte, read bool) (FioResult, error) {
	var parsed fioOutput
	if err := json.Unmarshal(out, &parsed); err != nil {
		return FioResult{}, fmt.Errorf("fio's output: %w", err)
	}
	if len(parsed.Jobs) != 1 {
		return FioResult{}, fmt.Errorf("fio's output has %d jobs, not one", len(parsed.Jobs))
	}
	d := parsed.Jobs[0].Write
	if read {
		d = parsed.Jobs[0].Read
	}
	at := func(percentile string) time.Duration { return time.Duration(d.Latency.Percentiles[percentile]) }
	return FioResult{
		Version: parsed.Version, BytesPerSecond: d.BytesPerSecond,
		Latency: hist.Summary{
			Count: d.Latency.Count, Max: time.Duration(d.Latency.Max),
			P50: at("50.000000"), P95: at("95.000000"), P99: at("99.000000"), P999: at("99.900000"),
		},
	}, nil
}
