package archtest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// TestHouse checks this repository itself.
func TestHouse(t *testing.T) {
	found, err := Check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
}

// TestPlanted shows that each rule is known to fail: every archive in testdata
// is a small module with planted faults, and its comment holds the whole report
// that must come of it. go.mod, the exceptions file and the layer table come
// from base.txtar unless the archive brings its own.
func TestPlanted(t *testing.T) {
	base := archiveFS(t, "testdata/base.txtar")
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 8 {
		t.Fatalf("only %d archives in testdata: planted faults are missing", len(cases))
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tree := fstest.MapFS{}
			for p, f := range base {
				tree[p] = f
			}
			for p, f := range archiveFS(t, name) {
				tree[p] = f
			}
			want := strings.TrimSpace(string(archive.Comment))
			if diff := cmp.Diff(want, report(t, tree)); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLength plants files and functions around the limits, with and without an
// exception.
func TestLength(t *testing.T) {
	base := archiveFS(t, "testdata/base.txtar")
	for _, c := range []struct {
		name, exceptions, want string
		file, fn               int // lines of the planted file and of the planted function
	}{
		{name: "at the limits", file: 600, fn: 70},
		{name: "long file", file: 601, fn: 1,
			want: "low/planted.go: length: file low/planted.go is 601 lines long, the limit is 600: split it"},
		{name: "long function", file: 600, fn: 71,
			want: "low/planted.go: length: func low/planted.go T.long is 71 lines long, the limit is 70: split it"},
		{name: "excused", file: 601, fn: 71,
			exceptions: "file low/planted.go 601\nfunc low/planted.go T.long 71\n"},
		{name: "grew", file: 602, fn: 1, exceptions: "file low/planted.go 601\n",
			want: "low/planted.go: length: file low/planted.go is 602 lines long and grew past its exception of 601: split it"},
		{name: "shrank", file: 601, fn: 1, exceptions: "file low/planted.go 700\n",
			want: ExceptionsFile + ": length: file low/planted.go shrank to 601 lines: lower its exception from 700"},
		{name: "no longer needed", file: 600, fn: 1, exceptions: "file low/planted.go 601\n",
			want: ExceptionsFile + ": length: file low/planted.go needs no exception any more: delete its line"},
		{name: "gone", file: 10, fn: 1, exceptions: "func low/gone.go f 90\n",
			want: ExceptionsFile + ": length: func low/gone.go f needs no exception any more: delete its line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for p, f := range base {
				tree[p] = f
			}
			tree["low/planted.go"] = &fstest.MapFile{Data: plantedSource(c.file, c.fn)}
			tree["low/planted_test.go"] = &fstest.MapFile{Data: plantedSource(900, 300)} // exempt
			tree[ExceptionsFile] = &fstest.MapFile{Data: []byte(c.exceptions)}
			if diff := cmp.Diff(c.want, report(t, tree)); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnreadableRules shows that a tree without usable rules is an error and
// not a clean report.
func TestUnreadableRules(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{ArchitecturePage, "no table here", "no table with the heading"},
		{ArchitecturePage, layerHeading + "\n|-|-|-|\n| L0 | maybe | `a/` |\n", "want yes or no"},
		{ArchitecturePage, layerHeading + "\n|-|-|-|\n| L0 | no | a |\n", "names no package"},
		{ArchitecturePage, layerHeading + "\n|-|-|-|\n| L1 | no | `a/` |\n| L0 | no | `a/` |\n", "stands in both"},
		{ExceptionsFile, "file low/a.go many\n", "want \"file PATH LINES\""},
		{"go.mod", "go 1.26\n", "names no module"},
		{"low/broken.go", "package low\nfunc {\n", "low/broken.go"},
	} {
		tree := archiveFS(t, "testdata/base.txtar")
		tree[c.file] = &fstest.MapFile{Data: []byte(c.text)}
		_, err := Check(tree)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s = %q: error %v, want one with %q", c.file, c.text, err, c.want)
		}
	}
}

// plantedSource is a file of exactly lines lines with a method T.long of fn lines.
func plantedSource(lines, fn int) []byte {
	var b strings.Builder
	b.WriteString("package low\n\ntype T struct{}\n\n")
	if fn == 1 {
		b.WriteString("func (*T) long() {}\n")
	} else {
		fmt.Fprintf(&b, "func (*T) long() {\n%s}\n", strings.Repeat("\t_ = 0\n", fn-2))
	}
	for n := strings.Count(b.String(), "\n"); n < lines; n++ {
		b.WriteString("// filler\n")
	}
	return []byte(b.String())
}

func report(t *testing.T, tree fs.FS) string {
	t.Helper()
	found, err := Check(tree)
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(found))
	for i, v := range found {
		lines[i] = v.String()
	}
	return strings.Join(lines, "\n")
}

func archiveFS(t *testing.T, name string) fstest.MapFS {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for _, f := range archive.Files {
		tree[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return tree
}
