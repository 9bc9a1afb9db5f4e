package device

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seawallmq/seawall/bench/report"
	"github.com/seawallmq/seawall/wal/device"
)

func TestMeasuresARealFile(t *testing.T) {
	if testing.Short() {
		t.Skip("writes half a gigabyte")
	}
	f, err := Prepare(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	geo, err := f.Geometry()
	if err != nil || geo.SizeBytes != fileBytes || geo.Durability == "" {
		t.Fatalf("%+v, %v", geo, err)
	}
	const d = 50 * time.Millisecond
	for _, rate := range []float64{0, 500} {
		h, err := f.WriteLatency(t.Context(), 4096, rate, d)
		if err != nil {
			t.Fatal(err)
		}
		if s := h.Summary(); s.Count == 0 || rate > 0 && s.Count > 26 || s.P50 <= 0 || s.P99 < s.P50 {
			t.Errorf("at rate %v: %+v", rate, s)
		}
	}
	for _, kind := range []device.Kind{device.Write, device.Read} {
		if rate, err := f.Bandwidth(t.Context(), kind, 256<<10, 4, d); err != nil || rate <= 0 {
			t.Errorf("%s: %v B/s, %v", kind, rate, err)
		}
	}
	found, err := f.Survey(t.Context(), Plan{
		Latencies: []report.Latency{{Bytes: 4096}}, Bandwidths: []report.Bandwidth{{Bytes: 256 << 10, Depth: 2}}, Rounds: 1, Each: d,
	})
	if err != nil || found.Latencies[0].BackToBack.Count == 0 || found.Bandwidths[0].Device <= 0 || found.Bandwidths[0].Log <= 0 {
		t.Errorf("%+v, %v", found, err)
	}
	var text strings.Builder
	if found.Text(&text); !strings.Contains(text.String(), "write of 4 KiB, depth 1, ms") {
		t.Error(text.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Bandwidth(ctx, device.Read, 4096, 1, time.Hour); err == nil {
		t.Error("a measurement that was cut short is none")
	}
}

// What is on a raw device is not written over unless that is wanted.
func TestRawDevicesInUseAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "device") // stands for one
	prepare := func(overwrite bool) error {
		_, err := PrepareRaw(path, overwrite)
		return err
	}
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := prepare(true); err == nil || !strings.Contains(err.Error(), "are wanted") {
		t.Errorf("a small device: %v", err)
	}
	if err := os.Truncate(path, fileBytes); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("SEAWALL"), 4096); err != nil {
		t.Fatal(err)
	}
	if err := prepare(false); !errors.Is(err, ErrInUse) {
		t.Errorf("a device in use: %v", err)
	}
	got := make([]byte, 7)
	if r, err := os.Open(path); err != nil {
		t.Fatal(err)
	} else if _, err := r.ReadAt(got, 4096); err != nil || string(got) != "SEAWALL" {
		t.Errorf("it was written over all the same: %q, %v", got, err)
	}
}

func TestFlushBytes(t *testing.T) {
	if got := FlushBytes(1024, 512); got != 1536 {
		t.Errorf("%d", got)
	}
	if got := FlushBytes(1024, 4096); got != 4096 {
		t.Errorf("%d", got)
	}
}

func TestParseFio(t *testing.T) {
	const out = `{"fio version": "fio-3.33", "jobs": [{"write": {"bw_bytes": 1048576,
		"lat_ns": {"max": 900, "N": 12, "percentile": {"50.000000": 100, "95.000000": 200, "99.000000": 300, "99.900000": 400}}}}]}`
	r, err := parseFio([]byte(out), false)
	if err != nil || r.BytesPerSecond != 1<<20 || r.Latency.P50 != 100 || r.Latency.P999 != 400 || r.Latency.Count != 12 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, bad := range []string{"", "{}", `{"jobs": []}`} {
		if _, err := parseFio([]byte(bad), true); err == nil {
			t.Errorf("took %q", bad)
		}
	}
}
