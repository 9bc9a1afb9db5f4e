package proc

import "fmt"

// Part is one part of a suite.
type Part struct {
	Name   string
	Wanted bool
	Run    func() error
}

// RunParts runs the parts that are wanted, one after the other, prints a line for
// each and the summary, and says whether all passed. seed stands in the lines.
func RunParts(suite string, seed uint64, parts []Part) bool {
	passed, failed := 0, 0
	for _, part := range parts {
		if !part.Wanted {
			continue
		}
		if err := part.Run(); err != nil {
			failed++
			fmt.Printf("FAIL %s %s (seed %d): %v\n", suite, part.Name, seed, err)
			continue
		}
		passed++
		fmt.Printf("PASS %s %s (seed %d)\n", suite, part.Name, seed)
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	return failed == 0
}
