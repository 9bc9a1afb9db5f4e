package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// expectation is a line of the list: "fail TEST: why" or "skip TEST: why".
// It stands for the test's subtests too.
type expectation struct {
	outcome string // outcomeFail or outcomeSkip
	test    string
	why     string
}

func parseExpected(r io.Reader) ([]expectation, error) {
	var list []expectation
	scan := bufio.NewScanner(r)
	for n := 1; scan.Scan(); n++ {
		line := strings.TrimSpace(scan.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		head, why, ok := strings.Cut(line, ": ")
		outcome, test, _ := strings.Cut(head, " ")
		if !ok || test == "" || (outcome != outcomeFail && outcome != outcomeSkip) {
			return nil, fmt.Errorf("line %d: want \"fail TEST: why\" or \"skip TEST: why\", got %q", n, line)
		}
		list = append(list, expectation{outcome: outcome, test: test, why: why})
	}
	return list, scan.Err()
}

// covers tells whether the expectation stands for a test: itself or one of its subtests.
func (e expectation) covers(test string) bool {
	return test == e.test || strings.HasPrefix(test, e.test+"/")
}

// judge prints a line for each test without subtests and the closing summary,
// and returns how many ended otherwise than expected. An expectation that no
// test fulfilled any more counts too, so that the list only shrinks.
func judge(w io.Writer, results []result, expected []expectation) int {
	passed, failed := 0, 0
	met := make([]bool, len(expected))
	var expectedLines []string
	for _, r := range results {
		if !r.leaf {
			continue
		}
		i := slices.IndexFunc(expected, func(e expectation) bool { return e.outcome == r.outcome && e.covers(r.test) })
		switch {
		case r.outcome == outcomePass:
			passed++
			fmt.Fprintf(w, "PASS %s (%.1fs)\n", r.test, r.seconds)
		case i >= 0:
			met[i] = true
			expectedLines = append(expectedLines, fmt.Sprintf("%s, as expected: %s: %s", past(r.outcome), r.test, expected[i].why))
		default:
			failed++
			fmt.Fprintf(w, "FAIL %s (%s)\n", r.test, past(r.outcome))
			for _, line := range r.tail {
				fmt.Fprintln(w, "     |", strings.TrimSpace(line))
			}
		}
	}
	for i, e := range expected {
		if !met[i] {
			failed++
			fmt.Fprintf(w, "FAIL %s is on the list of expected outcomes (%s: %s) and did not %s: take it off\n", e.test, e.outcome, e.why, e.outcome)
		}
	}
	for _, line := range expectedLines {
		fmt.Fprintln(w, line)
	}
	if passed == 0 {
		failed++
		fmt.Fprintln(w, "FAIL no test passed: did the suite run?")
	}
	fmt.Fprintf(w, "%d passed, %d failed\n", passed, failed)
	return failed
}

func past(outcome string) string {
	if outcome == outcomeSkip {
		return "skipped"
	}
	return "failed"
}
