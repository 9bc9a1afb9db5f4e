package archtest

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Where the rules stand, from the module root.
const (
	ArchitecturePage = "docs/ARCHITECTURE.md"
	ExceptionsFile   = "internal/archtest/exceptions.txt"
)

// Violation is one place where the source departs from the rules.
type Violation struct {
	Rule    string // layer, pure, doc, length or link
	File    string // from the module root
	Line    int    // 0 when the whole file or folder is meant
	Message string
}

// String renders v as file:line: rule: message, which editors can follow.
func (v Violation) String() string {
	if v.Line == 0 {
		return fmt.Sprintf("%s: %s: %s", v.File, v.Rule, v.Message)
	}
	return fmt.Sprintf("%s:%d: %s: %s", v.File, v.Line, v.Rule, v.Message)
}

// Check examines the module at the root of fsys and returns every violation,
// ordered by package. The error is for a tree that cannot be judged: no go.mod,
// no layer table, a file that does not parse.
func Check(fsys fs.FS) ([]Violation, error) {
	module, err := modulePath(fsys)
	if err != nil {
		return nil, err
	}
	page, err := fs.ReadFile(fsys, ArchitecturePage)
	if err != nil {
		return nil, err
	}
	layers, err := ParseLayers(string(page))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ArchitecturePage, err)
	}
	exceptions, err := fs.ReadFile(fsys, ExceptionsFile)
	if err != nil {
		return nil, err
	}
	allowed, err := parseExceptions(string(exceptions))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ExceptionsFile, err)
	}
	pkgs, err := loadPackages(fsys)
	if err != nil {
		return nil, err
	}

	found := checkRooms(layers, pkgs)
	measured := map[string]int{}
	for _, p := range pkgs {
		found = append(found, checkPackage(layers, module, p)...)
		for _, f := range p.files {
			for key, n := range lengths(f) {
				measured[key] = n
			}
		}
	}
	found = append(found, checkRatchet(measured, allowed, ExceptionsFile)...)
	links, err := checkLinks(fsys)
	return append(found, links...), err
}

// checkRooms finds folders of the layer table in which nothing is built: a reader
// would look for them in vain.
func checkRooms(layers *Layers, pkgs []*pkg) []Violation {
	var found []Violation
	for _, folder := range layers.folders() {
		if !slices.ContainsFunc(pkgs, func(p *pkg) bool { return within(p.folder, folder) }) {
			found = append(found, Violation{Rule: "layer", File: ArchitecturePage,
				Message: fmt.Sprintf("the table names %s, where there is no package", folder)})
		}
	}
	return found
}

// checkPackage applies every rule but the ratchet to one package.
func checkPackage(layers *Layers, module string, p *pkg) []Violation {
	var found []Violation
	if !documented(p) {
		found = append(found, Violation{Rule: "doc", File: p.folder,
			Message: "the package has no package comment: write doc.go"})
	}
	depth, row, ok := layers.place(p.folder)
	if !ok {
		return append(found, Violation{Rule: "layer", File: p.folder,
			Message: fmt.Sprintf("the package stands in no layer of %s: add it to the table (known: %s)",
				ArchitecturePage, strings.Join(layers.folders(), " "))})
	}
	for _, f := range p.files {
		for _, imp := range f.imports {
			if to, local := inModule(module, imp.path); local {
				if msg := judgeImport(layers, p.folder, depth, row, to); msg != "" {
					found = append(found, f.violation(imp.pos, "layer", "%s", msg))
				}
			}
		}
		if row.Pure {
			found = append(found, impurities(f)...)
		}
	}
	return found
}

// judgeImport says what is wrong with from (at depth, in row) importing the
// folder to, or "".
func judgeImport(layers *Layers, from string, depth int, row *Row, to string) string {
	toDepth, toRow, ok := layers.place(to)
	switch {
	case !ok:
		return fmt.Sprintf("%s imports %s, which stands in no layer", from, to)
	case toDepth < depth:
		return fmt.Sprintf("%s (%s) imports %s (%s): imports point down", from, row.Layer, to, toRow.Layer)
	case layers.mustStayApart(from, to):
		return fmt.Sprintf("%s imports %s: the two are kept apart, join them from above", from, to)
	case row.Pure && !toRow.Pure:
		return fmt.Sprintf("%s (%s) is pure and imports %s (%s), which is not", from, row.Layer, to, toRow.Layer)
	}
	return ""
}

// inModule returns the folder of an import of this module.
func inModule(module, importPath string) (folder string, ok bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func documented(p *pkg) bool {
	for _, f := range p.files {
		if f.syntax.Doc != nil && strings.TrimSpace(f.syntax.Doc.Text()) != "" {
			return true
		}
	}
	return false
}
