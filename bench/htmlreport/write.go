package htmlreport

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seawallmq/seawall/bench/cost"
	"github.com/seawallmq/seawall/bench/result"
)

// The files that [Write] leaves in a folder.
const (
	JSONFile = "result.json" // read by result.Read, and by `seawall bench report` and `replay`
	HTMLFile = "report.html"
	CSVFile  = "histograms.csv"
)

// Write leaves a result in a folder, which it makes if there is none: as JSON, as
// a page, and its histograms as CSV. It returns the paths of the files it wrote,
// also when it fails at a later one.
func Write(dir string, r *result.Result, p *cost.Prices) (files []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{JSONFile, func(w io.Writer) error { return result.Write(w, r) }},
		{CSVFile, func(w io.Writer) error { return result.CSV(w, r) }},
		{HTMLFile, func(w io.Writer) error { return HTML(w, r, p) }},
	} {
		path := filepath.Join(dir, f.name)
		if err := writeFile(path, f.write); err != nil {
			return files, fmt.Errorf("report: %w", err)
		}
		files = append(files, path)
	}
	return files, nil
}

// WriteHTML draws a result into a file.
func WriteHTML(path string, r *result.Result, p *cost.Prices) error {
	if err := writeFile(path, func(w io.Writer) error { return HTML(w, r, p) }); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// writeFile replaces a file by what write writes.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	out := bufio.NewWriter(f)
	if err := write(out); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return out.Flush()
}
