package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

// keyName is the file in an upload's folder that names its key; its age is the
// upload's.
const keyName = "key"

// upload is a multipart upload; all of its state is in its folder, so that
// AbortUploads of another process can end it.
type upload struct {
	s      *Store
	folder string
	key    string
	opts   objstore.PutOptions
}

// CreateMultipart implements objstore.Store.
func (s *Store) CreateMultipart(ctx context.Context, key string, opts objstore.PutOptions) (objstore.Upload, error) {
	u := &upload{s: s, folder: s.newName("up"), key: key, opts: opts}
	err := check(ctx, key)
	if err == nil {
		err = classify(s.root.Mkdir(u.folder, 0o755))
	}
	if err == nil {
		err = classify(s.root.WriteFile(u.folder+"/"+keyName, []byte(key), 0o644))
	}
	if err != nil {
		return nil, objstore.Wrap("create", key, err)
	}
	return u, nil
}

// UploadPart implements objstore.Upload. A part is not synced: the object that
// Complete makes of it is.
func (u *upload) UploadPart(ctx context.Context, number int, body objstore.Body) error {
	return objstore.Wrap("part", u.key, u.uploadPart(ctx, number, body))
}

func (u *upload) uploadPart(ctx context.Context, number int, body objstore.Body) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if number < 1 || number > objstore.PartsMax {
		return fmt.Errorf("%w: part number %d", objstore.ErrInvalid, number)
	}
	tmp := fmt.Sprintf("%s/tmp-%d", u.folder, u.s.counter.Add(1))
	f, err := u.s.root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return classify(err)
	}
	err = errors.Join(writeBody(ctx, f, body), classify(f.Close()))
	if err == nil {
		err = classify(u.s.root.Rename(tmp, u.partName(number)))
	}
	if err != nil {
		u.s.root.Remove(tmp)
	}
	return err
}

func (u *upload) partName(number int) string { return fmt.Sprintf("%s/part-%05d", u.folder, number) }

// Complete implements objstore.Upload.
func (u *upload) Complete(ctx context.Context) error {
	return objstore.Wrap("complete", u.key, u.complete(ctx))
}

func (u *upload) complete(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	parts, err := u.countParts()
	if err != nil {
		return err
	}
	tmp := u.s.newName("tmp")
	defer u.s.root.Remove(tmp)
	err = u.s.writeFile(tmp, func(f *os.File) error {
		for number := 1; number <= parts; number++ {
			if err := u.appendPart(ctx, f, number); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := u.s.publish(tmp, u.key, u.opts); err != nil {
		return err
	}
	// The object is there; what is left of the upload goes with the session at
	// the latest.
	_ = u.s.root.RemoveAll(u.folder)
	return nil
}

// countParts checks that the parts are 1..n and returns n.
func (u *upload) countParts() (int, error) {
	entries, err := fs.ReadDir(u.s.root.FS(), u.folder)
	if err != nil {
		return 0, classify(err)
	}
	n := 0
	for _, e := range entries { // sorted by name, and so by number
		if !strings.HasPrefix(e.Name(), "part-") {
			continue
		}
		if n++; u.folder+"/"+e.Name() != u.partName(n) {
			return 0, fmt.Errorf("%w: part %d is missing", objstore.ErrInvalid, n)
		}
	}
	if n == 0 {
		return 0, fmt.Errorf("%w: no parts", objstore.ErrInvalid)
	}
	return n, nil
}

// appendPart copies a part by copy_file_range where the file system has it.
func (u *upload) appendPart(ctx context.Context, dst *os.File, number int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	part, err := u.s.root.Open(u.partName(number))
	if err != nil {
		return classify(err)
	}
	defer part.Close()
	_, err = io.Copy(dst, part)
	return classify(err)
}

// Abort implements objstore.Upload.
func (u *upload) Abort(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		err = classify(u.s.root.RemoveAll(u.folder))
	}
	return objstore.Wrap("abort", u.key, err)
}

// AbortUploads implements objstore.Store, for the uploads of every process
// that has the directory open.
func (s *Store) AbortUploads(ctx context.Context, prefix string, before time.Time) (int, error) {
	folders, err := fs.Glob(s.root.FS(), ownFolder+"/*/up-*")
	if err != nil {
		return 0, objstore.Wrap("abort", prefix, classify(err))
	}
	n := 0
	for _, folder := range folders {
		if err := ctx.Err(); err != nil {
			return n, objstore.Wrap("abort", prefix, err)
		}
		matches, err := s.uploadMatches(folder, prefix, before)
		if err == nil && matches {
			err = s.root.RemoveAll(folder)
			n++
		}
		if err != nil {
			return n, objstore.Wrap("abort", prefix, classify(err))
		}
	}
	return n, nil
}

// uploadMatches says whether AbortUploads is to end the upload in folder; not
// if it ends by itself meanwhile.
func (s *Store) uploadMatches(folder, prefix string, before time.Time) (bool, error) {
	st, err := s.root.Stat(folder + "/" + keyName)
	var key []byte
	if err == nil {
		key, err = s.root.ReadFile(folder + "/" + keyName)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return false, nil
	}
	return err == nil && st.ModTime().Before(before) && strings.HasPrefix(string(key), prefix), err
}
