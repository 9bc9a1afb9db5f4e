package report

import (
	"fmt"
	"os"
	"strings"
)

// Mark is that of the figures of this package, for [RenewPage].
const Mark = "bench"

// RenewPage replaces what stands between the comments <!-- mark: begin --> and
// <!-- mark: end --> of a Markdown page.
func RenewPage(path, mark, figures string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	renewed, err := renew(string(page), mark, figures)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(renewed), 0o644)
}

func renew(page, mark, figures string) (string, error) {
	pageBegin, pageEnd := "<!-- "+mark+": begin -->", "<!-- "+mark+": end -->"
	before, rest, ok := strings.Cut(page, pageBegin)
	_, after, ok2 := strings.Cut(rest, pageEnd)
	if !ok || !ok2 {
		return "", fmt.Errorf("no markers %s and %s", pageBegin, pageEnd)
	}
	return before + pageBegin + "\n\n" + strings.TrimSpace(figures) + "\n\n" + pageEnd + after, nil
}
