package main

import (
	"strings"
	"testing"
)

const listForTests = `
# why each
fail TestTxn: transactions
skip TestGroup/848: KIP-848
`

func judged(t *testing.T, list, output string) (int, string) {
	t.Helper()
	expected, err := parseExpected(strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	results, err := parseResults(strings.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	return judge(&out, results, expected), out.String()
}

// lines builds go test -json output from "action test" words.
func lines(events ...string) string {
	var out strings.Builder
	for _, e := range events {
		action, test, _ := strings.Cut(e, " ")
		out.WriteString(`{"Action":"` + action + `","Test":"` + test + `"}` + "\n")
	}
	return out.String()
}

func TestJudge(t *testing.T) {
	asExpected := []string{"run TestTxn", "fail TestTxn", "run TestGroup", "run TestGroup/848", "skip TestGroup/848", "run TestOK", "pass TestOK"}
	for name, test := range map[string]struct {
		events  []string
		failed  int
		mention string
	}{
		"as expected":              {append(asExpected, "run TestGroup/classic", "pass TestGroup/classic", "pass TestGroup"), 0, "2 passed, 0 failed"},
		"a subtest fails":          {append(asExpected, "run TestGroup/classic", "fail TestGroup/classic", "fail TestGroup"), 1, "FAIL TestGroup/classic (failed)"},
		"a test is skipped":        {append(asExpected, "run TestNew", "skip TestNew"), 1, "FAIL TestNew (skipped)"},
		"a test never ends":        {append(asExpected, "run TestHang"), 1, "FAIL TestHang (failed)"},
		"an expected failure ends": {append(asExpected, "run TestTxn", "pass TestTxn"), 1, "take it off"},
		"nothing ran":              {nil, 3, "did the suite run?"},
	} {
		t.Run(name, func(t *testing.T) {
			failed, out := judged(t, listForTests, "noise\n"+lines(test.events...))
			if failed != test.failed || !strings.Contains(out, test.mention) {
				t.Errorf("failed %d, want %d with %q in:\n%s", failed, test.failed, test.mention, out)
			}
		})
	}
}

// A subtest's failure is listed under its parent's entry.
func TestExpectationCoversSubtests(t *testing.T) {
	failed, out := judged(t, "fail TestTxn: transactions", lines("run TestTxn", "run TestTxn/a", "fail TestTxn/a", "fail TestTxn", "run TestOK", "pass TestOK"))
	if failed != 0 {
		t.Errorf("failed %d in:\n%s", failed, out)
	}
}

func TestParseExpectedRefusesWhatHasNoReason(t *testing.T) {
	for _, line := range []string{"fail TestA", "pass TestA: why", "TestA: why"} {
		if _, err := parseExpected(strings.NewReader(line)); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
}
