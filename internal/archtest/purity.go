package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// impureImports are packages that a pure package must not import: those that
// reach the machine, and randomness that cannot be seeded.
var impureImports = map[string]string{
	"os":            "the operating system",
	"syscall":       "the operating system",
	"io/ioutil":     "the operating system",
	"log":           "a log writer",
	"log/slog":      "a log writer",
	"crypto/rand":   "randomness",
	"os/exec":       "the operating system",
	"os/signal":     "the operating system",
	"runtime/debug": "the runtime",
	"unsafe":        "raw memory",
}

// impureImportTrees are the same by prefix.
var impureImportTrees = map[string]string{
	"golang.org/x/sys": "the operating system",
	"net/http":         "the network",
}

// impureNames are names that a pure package must not use from packages it may
// otherwise import, as import path → name → what it reaches.
var impureNames = map[string]map[string]string{
	"time": {
		"Now": "the wall clock", "Since": "the wall clock", "Until": "the wall clock",
		"Sleep": "the wall clock", "After": "a timer", "AfterFunc": "a timer",
		"Tick": "a timer", "NewTicker": "a timer", "NewTimer": "a timer",
	},
	"sync": {
		"Mutex": "a lock", "RWMutex": "a lock", "Locker": "a lock", "Cond": "a lock",
		"NewCond": "a lock", "WaitGroup": "goroutines", "Map": "a lock",
	},
	"fmt": {
		"Print": "standard output", "Printf": "standard output", "Println": "standard output",
		"Scan": "standard input", "Scanf": "standard input", "Scanln": "standard input",
	},
}

// pureNames are the packages of which only these names are pure: generators of
// randomness made from a seed that was handed in, and the arithmetic of network
// addresses. All else there reaches why.
var pureNames = map[string]struct {
	why   string
	names map[string]bool
}{
	"math/rand": {"randomness that was not handed in", set("Rand", "Source", "Source64", "New", "NewSource", "Zipf", "NewZipf")},
	"math/rand/v2": {"randomness that was not handed in",
		set("Rand", "Source", "New", "PCG", "NewPCG", "ChaCha8", "NewChaCha8", "Zipf", "NewZipf")},
	"net": {"the network", set("SplitHostPort", "JoinHostPort", "IP", "IPNet", "ParseIP", "ParseCIDR")},
}

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// impureImport says what the import of path would reach, or "".
func impureImport(path string) string {
	if why, ok := impureImports[path]; ok {
		return why
	}
	for tree, why := range impureImportTrees {
		if within(path, tree) {
			return why
		}
	}
	return ""
}

// impureName says what the use of path.name would reach, or "".
func impureName(path, name string) string {
	if p, ok := pureNames[path]; ok && !p.names[name] {
		return p.why
	}
	return impureNames[path][name]
}

// impurities reports what in one file of a pure package is not pure. Imports
// of other packages of this module are judged by the caller.
func impurities(f *sourceFile) []Violation {
	var found []Violation
	report := func(pos token.Pos, format string, args ...any) {
		found = append(found, f.violation(pos, "pure", format, args...))
	}
	for _, imp := range f.imports {
		if why := impureImport(imp.path); why != "" {
			report(imp.pos, "a pure package imports %s, which reaches %s", imp.path, why)
		}
		if imp.name == "." {
			report(imp.pos, "a pure package imports %s into its own names, which hides what it uses", imp.path)
		}
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			report(n.Pos(), "a pure package starts a goroutine")
		case *ast.SelectorExpr:
			path, ok := f.importedBy(n.X)
			if !ok {
				return true
			}
			if why := impureName(path, n.Sel.Name); why != "" {
				report(n.Pos(), "a pure package uses %s.%s, which reaches %s", path, n.Sel.Name, why)
			}
		}
		return true
	})
	return found
}

// importedBy returns the import path that expr names, when expr is the local
// name of an import and not a variable that shadows it.
func (f *sourceFile) importedBy(expr ast.Expr) (path string, ok bool) {
	id, isIdent := expr.(*ast.Ident)
	if !isIdent || id.Obj != nil {
		return "", false
	}
	for _, imp := range f.imports {
		if imp.name == id.Name {
			return imp.path, true
		}
	}
	return "", false
}

// localName is the name under which a file sees an import: its own, or by
// convention the last element of the path that is not a major version.
func localName(spec *ast.ImportSpec, path string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	parts := strings.Split(path, "/")
	last := parts[len(parts)-1]
	if len(parts) > 1 && len(last) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == "" {
		last = parts[len(parts)-2]
	}
	return last
}

// violation reports a fault at pos in f.
func (f *sourceFile) violation(pos token.Pos, rule, format string, args ...any) Violation {
	return Violation{
		Rule: rule, File: f.path, Line: f.fset.Position(pos).Line,
		Message: fmt.Sprintf(format, args...),
	}
}
