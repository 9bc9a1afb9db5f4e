package lograte

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestTroubleIsToldEverLessOften(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	var trouble Trouble
	now := time.Unix(1000, 0)
	trouble.Over(log, now, "over")
	if out.Len() > 0 || trouble.For(now) != 0 {
		t.Fatalf("told without trouble: %s", out.String())
	}
	var told []int // seconds
	for i := range 4000 {
		before := out.Len()
		trouble.Fail(log, now.Add(time.Duration(i)*100*time.Millisecond), "no metadata", errors.New("refused"))
		if out.Len() > before {
			told = append(told, i/10)
		}
	}
	want := []int{0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363}
	if len(told) != len(want) {
		t.Fatalf("told at %v, want %v", told, want)
	}
	for i := range want {
		if told[i] != want[i] {
			t.Fatalf("told at %v, want %v", told, want)
		}
	}
	end := now.Add(400 * time.Second)
	if d := trouble.For(end); d != 400*time.Second {
		t.Errorf("lasted %v", d)
	}
	out.Reset()
	trouble.Over(log, end, "metadata again")
	if s := out.String(); !strings.Contains(s, "after=6m40s failures=4000") {
		t.Errorf("the end: %s", s)
	}
	out.Reset()
	trouble.Fail(log, end, "no metadata", errors.New("refused"))
	if strings.Count(out.String(), "\n") != 1 || strings.Contains(out.String(), "failures") {
		t.Errorf("the next beginning: %s", out.String())
	}
}
