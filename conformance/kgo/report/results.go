package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"
)

// Outcomes of a test. A test that started and never ended (the run was cut
// short by its time-out or a panic) has failed.
const (
	outcomePass = "pass"
	outcomeFail = "fail"
	outcomeSkip = "skip"
)

// linesMax is how many of the last lines of a failed test are kept for the report.
const linesMax = 12

// result is how one test, or subtest, ended.
type result struct {
	test    string
	outcome string
	seconds float64
	leaf    bool // no subtest ran in it
	tail    []string
}

// event is the part of a line of go test -json that matters here.
type event struct {
	Action  string
	Test    string
	Elapsed float64
	Output  string
}

// parseResults reads go test -json output. A test that ran more than once has
// its last outcome. Lines that are no events (a client's log on stderr) are passed over.
func parseResults(r io.Reader) ([]result, error) {
	byName := make(map[string]*result)
	scan := bufio.NewScanner(r)
	scan.Buffer(make([]byte, 64<<10), 16<<20)
	for scan.Scan() {
		var e event
		if json.Unmarshal(scan.Bytes(), &e) != nil || e.Test == "" {
			continue
		}
		res := byName[e.Test]
		if res == nil || e.Action == "run" {
			res = &result{test: e.Test, outcome: outcomeFail, leaf: true}
			byName[e.Test] = res
		}
		switch e.Action {
		case outcomePass, outcomeFail, outcomeSkip:
			res.outcome, res.seconds = e.Action, e.Elapsed
		case "output":
			res.note(e.Output)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("reading test output: %w", err)
	}
	var results []result
	for name, res := range byName {
		if parent, _, ok := cutLast(name, "/"); ok && byName[parent] != nil {
			byName[parent].leaf = false
		}
		results = append(results, *res)
	}
	for i := range results {
		results[i].leaf = byName[results[i].test].leaf
	}
	sort.Slice(results, func(i, j int) bool { return results[i].test < results[j].test })
	return results, nil
}

// note keeps the last lines of a test's own output; the lines that frame it say nothing.
func (r *result) note(line string) {
	line = strings.TrimRight(line, "\n")
	if s := strings.TrimSpace(line); s == "" || strings.HasPrefix(s, "=== ") || strings.HasPrefix(s, "--- ") {
		return
	}
	r.tail = append(r.tail, line)
	if len(r.tail) > linesMax {
		r.tail = r.tail[1:]
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
