package report

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a report writes into a page is read from it again.
func TestKeptFiguresAreRatios(t *testing.T) {
	was := &Report{Targets: []Target{
		{What: "a | b", Value: 1}, // no name that a table keeps
		{What: "ack p50", Value: 0.5, Bound: 1, Unit: "ms"},
		{What: "throughput", Value: 2529, Bound: 1, Unit: "MB/s", AtLeast: true},
		{What: "not measured", Missing: "a disk"},
		{What: "gone since", Value: 3, Unit: "s"},
	}}
	var figures strings.Builder
	was.Markdown(&figures)
	page, err := renew("<!-- bench: begin --><!-- bench: end -->\n| after | 5 |\n", Mark, figures.String())
	if err != nil {
		t.Fatal(err)
	}
	kept := parseKept(page)
	if diff := cmp.Diff([]Kept{{"ack p50", 0.5}, {"throughput", 2529}, {"gone since", 3}}, kept); diff != "" {
		t.Fatal(diff)
	}
	now := &Report{Targets: []Target{
		{What: "ack p50", Value: 0.25, Unit: "ms"}, {What: "throughput", Missing: "a broker"}, {What: "new", Value: 1}, {What: "gone since", Value: 6, Unit: "s", AtLeast: true},
	}}
	var b strings.Builder
	now.Against(&b, kept)
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 5 {
		t.Fatalf("%q", lines)
	}
	for i, want := range map[int]string{3: "ack p50 0.25 ms 0.50 ms 0.50 less", 4: "gone since 6.00 s 3.00 s 2.00 more"} {
		if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestThePageKeepsFigures(t *testing.T) {
	kept, err := ReadKept(filepath.Join("..", "..", "docs", "performance.md"))
	if err != nil || len(kept) < 5 {
		t.Errorf("%d kept: %v", len(kept), err)
	}
}
