package archtest

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// markdownLink matches the target of a link that has no scheme, with its
// fragment apart.
var markdownLink = regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)\s]*)?\)`)

// checkLinks reports links of the documentation that lead to no file, or to a
// line number, which the next change would make wrong.
func checkLinks(fsys fs.FS) ([]Violation, error) {
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		matched, err := fs.Glob(fsys, pattern)
		if err != nil {
			return nil, err
		}
		pages = append(pages, matched...)
	}
	var found []Violation
	for _, page := range pages {
		text, err := fs.ReadFile(fsys, page)
		if err != nil {
			return nil, err
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			for _, m := range markdownLink.FindAllStringSubmatch(line, -1) {
				if wrong := judgeLink(fsys, page, m[1], m[2]); wrong != "" {
					found = append(found, Violation{Rule: "link", File: page, Line: number, Message: wrong})
				}
			}
		}
	}
	return found, nil
}

// judgeLink says what is wrong with a link from page to target, or "".
func judgeLink(fsys fs.FS, page, target, fragment string) string {
	if strings.HasSuffix(target, ".go") && strings.HasPrefix(fragment, "#L") {
		return target + fragment + " names a line, which moves: name the function"
	}
	if _, err := fs.Stat(fsys, path.Join(path.Dir(page), target)); err != nil {
		return target + " does not exist"
	}
	return ""
}
