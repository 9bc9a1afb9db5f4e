// Command report holds the outcome of a test run, as go test -json prints it,
// against the list of tests that are expected to fail or to skip.
//
//	report -expected LIST FILE      prints the outcome; exits 1 when it is not the expected one
//	report -expected LIST -list fail|skip   prints the names on the list
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	expectedPath := flag.String("expected", "", "list of tests expected to fail or skip")
	list := flag.String("list", "", "only print the names expected to end so: fail or skip")
	flag.Parse()
	if err := run(*expectedPath, *list, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(2)
	}
}

func run(expectedPath, list string, args []string) error {
	f, err := os.Open(expectedPath)
	if err != nil {
		return err
	}
	defer f.Close()
	expected, err := parseExpected(f)
	if err != nil {
		return fmt.Errorf("%s: %w", expectedPath, err)
	}
	if list != "" {
		for _, e := range expected {
			if e.outcome == list {
				fmt.Println(e.test)
			}
		}
		return nil
	}
	if len(args) != 1 {
		return fmt.Errorf("want one file of go test -json output, got %d", len(args))
	}
	in, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer in.Close()
	results, err := parseResults(in)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	if failed := judge(os.Stdout, results, expected); failed > 0 {
		os.Exit(1)
	}
	return nil
}
