package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"
)

// importRef is one import of a file.
type importRef struct {
	name string // as the file sees it; "_" and "." as written
	path string
	pos  token.Pos
}

// sourceFile is one parsed non-test Go file.
type sourceFile struct {
	path    string // from the module root
	fset    *token.FileSet
	syntax  *ast.File
	imports []importRef
	lines   int
}

// pkg is one folder with non-test Go files.
type pkg struct {
	folder string // from the module root; "." for the root itself
	files  []*sourceFile
}

// modulePath reads the module line of go.mod at the root of fsys.
func modulePath(fsys fs.FS) (string, error) {
	text, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return strings.TrimSpace(name), nil
		}
	}
	return "", fmt.Errorf("go.mod names no module")
}

// loadPackages parses every non-test Go file below the root of fsys. It leaves
// out testdata, vendor, nested modules, and folders that the go command would
// leave out too: those whose name begins with "." or "_".
func loadPackages(fsys fs.FS) ([]*pkg, error) {
	byFolder := map[string]*pkg{}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != "." && skipFolder(fsys, p) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parseFile(fsys, p)
		if err != nil {
			return err
		}
		folder := path.Dir(p)
		if byFolder[folder] == nil {
			byFolder[folder] = &pkg{folder: folder}
		}
		byFolder[folder].files = append(byFolder[folder].files, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	pkgs := make([]*pkg, 0, len(byFolder))
	for _, p := range byFolder {
		pkgs = append(pkgs, p)
	}
	sort.Slice(pkgs, func(i, j int) bool { return pkgs[i].folder < pkgs[j].folder })
	return pkgs, nil
}

func skipFolder(fsys fs.FS, p string) bool {
	base := path.Base(p)
	if base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := fs.Stat(fsys, path.Join(p, "go.mod"))
	return err == nil
}

func parseFile(fsys fs.FS, p string) (*sourceFile, error) {
	text, err := fs.ReadFile(fsys, p)
	if err != nil {
		return nil, err
	}
	f := &sourceFile{path: p, fset: token.NewFileSet(), lines: strings.Count(string(text), "\n")}
	// Object resolution stays on: it tells a package name from a variable that shadows it.
	f.syntax, err = parser.ParseFile(f.fset, p, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	for _, spec := range f.syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import %s: %w", p, spec.Path.Value, err)
		}
		f.imports = append(f.imports, importRef{name: localName(spec, imported), path: imported, pos: spec.Pos()})
	}
	return f, nil
}
