package file

import (
	"bufio"
	"context"
	"errors"
	"os"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

// writeFile makes a new file of what fill writes, and syncs it.
func (s *Store) writeFile(name string, fill func(f *os.File) error) error {
	f, err := s.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return classify(err)
	}
	if err = fill(f); err == nil {
		err = classify(f.Sync())
	}
	return errors.Join(err, classify(f.Close()))
}

// writeBody writes the body's parts, small ones gathered.
func writeBody(ctx context.Context, f *os.File, body objstore.Body) error {
	w := bufio.NewWriterSize(f, int(min(copyBytes, max(body.Size, 1))))
	for _, p := range body.Parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := w.Write(p); err != nil {
			return classify(err)
		}
	}
	return classify(w.Flush())
}
