package report

import (
	"fmt"
	"os"
	"strings"
)

// The markers between which a page carries figures.
const (
	pageBegin = "<!-- bench: begin -->"
	pageEnd   = "<!-- bench: end -->"
)

// RenewPage replaces what stands between the markers of a Markdown page.
func RenewPage(path, figures string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	renewed, err := renew(string(page), figures)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(renewed), 0o644)
}

func renew(page, figures string) (string, error) {
	before, rest, ok := strings.Cut(page, pageBegin)
	_, after, ok2 := strings.Cut(rest, pageEnd)
	if !ok || !ok2 {
		return "", fmt.Errorf("no markers %s and %s", pageBegin, pageEnd)
	}
	return before + pageBegin + "\n\n" + strings.TrimSpace(figures) + "\n\n" + pageEnd + after, nil
}
