package lograte

import (
	"bytes"
	"log/slog"
	"testing"
	"time"
)

func TestOneLineASecondSaysWhatWasLeftOut(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	var l Limiter
	start := time.Unix(1e9, 0)
	for i := range 25 {
		l.Log(log, slog.LevelWarn, start.Add(time.Duration(i)*100*time.Millisecond), "bad", "i", i)
		l.Log(log, slog.LevelDebug, start, "not enabled")
	}
	want := "level=WARN msg=bad i=0\nlevel=WARN msg=bad i=10 left_out=9\nlevel=WARN msg=bad i=20 left_out=9\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestALongerPause(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	l := Limiter{Every: 10 * time.Second}
	start := time.Unix(1e9, 0)
	for i := range 25 {
		l.Log(log, slog.LevelWarn, start.Add(time.Duration(i)*time.Second), "bad")
	}
	if got := bytes.Count(out.Bytes(), []byte("\n")); got != 3 {
		t.Errorf("%d lines in 25 seconds, want 3:\n%s", got, out.String())
	}
}

func TestAFewAtOnceAfterQuiet(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	l := Limiter{Burst: 3}
	start := time.Unix(1e9, 0)
	for _, c := range []struct {
		after time.Duration
		lines int
	}{{0, 3}, {time.Second, 1}, {time.Second, 0}, {time.Hour, 3}} {
		out.Reset()
		for range 10 {
			l.Log(log, slog.LevelWarn, start.Add(c.after), "bad")
		}
		if n := bytes.Count(out.Bytes(), []byte("\n")); n != c.lines {
			t.Errorf("after %v: %d lines, want %d", c.after, n, c.lines)
		}
	}
}
