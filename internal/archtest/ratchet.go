package archtest

import (
	"fmt"
	"go/ast"
	"sort"
	"strconv"
	"strings"
)

// The lengths that need no excuse. Longer ones stand in the exceptions file
// with the length they have, and may only get shorter.
const (
	MaxFileLines = 600
	MaxFuncLines = 70
)

// lengths measures what the ratchet limits, under the names that the
// exceptions file uses: "file PATH" and "func PATH NAME".
func lengths(f *sourceFile) map[string]int {
	m := map[string]int{}
	if ast.IsGenerated(f.syntax) {
		return m
	}
	m["file "+f.path] = f.lines
	for _, decl := range f.syntax.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		n := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1
		key := "func " + f.path + " " + funcName(fn)
		m[key] = max(m[key], n) // init may stand in a file more than once
	}
	return m
}

// funcName is Name for a function and Type.Name for a method.
func funcName(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	recv := fn.Recv.List[0].Type
	for {
		switch t := recv.(type) {
		case *ast.StarExpr:
			recv = t.X
		case *ast.IndexExpr:
			recv = t.X
		case *ast.IndexListExpr:
			recv = t.X
		case *ast.Ident:
			return t.Name + "." + fn.Name.Name
		default:
			return fn.Name.Name
		}
	}
}

// limitFor is the length that an entry of this kind may have without excuse.
func limitFor(key string) int {
	if strings.HasPrefix(key, "file ") {
		return MaxFileLines
	}
	return MaxFuncLines
}

// parseExceptions reads the exceptions file: one "file PATH LINES" or
// "func PATH NAME LINES" a line, "#" for comments.
func parseExceptions(text string) (map[string]int, error) {
	allowed := map[string]int{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		n, err := strconv.Atoi(fields[len(fields)-1])
		wellFormed := fields[0] == "file" && len(fields) == 3 || fields[0] == "func" && len(fields) == 4
		if err != nil || !wellFormed {
			return nil, fmt.Errorf("exception %q: want \"file PATH LINES\" or \"func PATH NAME LINES\"", line)
		}
		allowed[strings.Join(fields[:len(fields)-1], " ")] = n
	}
	return allowed, nil
}

// checkRatchet compares measured lengths with the limits and the exceptions.
func checkRatchet(measured, allowed map[string]int, exceptionsFile string) []Violation {
	var found []Violation
	for key, n := range measured {
		limit, excused := limitFor(key), false
		if a, ok := allowed[key]; ok {
			limit, excused = max(limit, a), true
		}
		if n <= limit {
			continue
		}
		msg := fmt.Sprintf("%s is %d lines long, the limit is %d: split it", key, n, limit)
		if excused {
			msg = fmt.Sprintf("%s is %d lines long and grew past its exception of %d: split it", key, n, limit)
		}
		found = append(found, Violation{Rule: "length", File: strings.Fields(key)[1], Message: msg})
	}
	for key, a := range allowed {
		n := measured[key]
		switch {
		case n <= limitFor(key):
			found = append(found, Violation{Rule: "length", File: exceptionsFile,
				Message: fmt.Sprintf("%s needs no exception any more: delete its line", key)})
		case n < a:
			found = append(found, Violation{Rule: "length", File: exceptionsFile,
				Message: fmt.Sprintf("%s shrank to %d lines: lower its exception from %d", key, n, a)})
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Message < found[j].Message })
	return found
}
