package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

const (
	// keyName is the file in an upload's folder that names its key; its age is
	// the upload's.
	keyName = "key"
	// assembledName is the file that parts are written to at their places.
	assembledName = "assembled"
)

// upload is a multipart upload. Its files are in its folder, so that
// AbortUploads of another process can end it.
//
// Where all parts but the last have one size, as most writers send them, each
// is written where it will be in the object, and nothing is copied in the end.
// That size is the caller's word, or else that of the first part to come. A part
// that is longer, or whose place is not aligned, gets a file of its own.
type upload struct {
	s      *Store
	folder string
	key    string
	opts   objstore.PutOptions

	mu      sync.Mutex
	slot    int64         // size of parts, 0 until known: number n's place is (n-1)*slot
	inPlace map[int]int64 // sizes of the parts at their places, by number
	apart   map[int]bool  // parts in files of their own
	named   bool          // the object has its key, though that may not be durable
}

// CreateMultipart implements objstore.Store.
func (s *Store) CreateMultipart(ctx context.Context, key string, opts objstore.PutOptions) (objstore.Upload, error) {
	u := &upload{
		s: s, folder: s.newName("up"), key: key, opts: opts, slot: opts.PartBytes, inPlace: map[int]int64{}, apart: map[int]bool{},
	}
	err := check(ctx, key)
	if err == nil {
		err = classify(s.root.Mkdir(u.folder, 0o755))
	}
	if err == nil {
		err = classify(s.root.WriteFile(u.folder+"/"+keyName, []byte(key), 0o644))
	}
	if err == nil {
		err = classify(s.root.WriteFile(u.assembled(), nil, 0o644))
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
	at, fits := u.place(number, body.Size)
	var err error
	if fits {
		err = u.s.onFile(u.assembled(), 0, func(f *os.File) error { return u.s.writeBody(ctx, f, at, body) })
	} else {
		err = u.sendApart(ctx, number, body)
	}
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.inPlace, number)
	delete(u.apart, number)
	if fits {
		u.inPlace[number] = body.Size
	} else {
		u.apart[number] = true
	}
	return nil
}

// place says where a part goes in the assembled file, if it fits there.
func (u *upload) place(number int, size int64) (at int64, fits bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.slot == 0 {
		u.slot = size
	}
	return int64(number-1) * u.slot, size > 0 && size <= u.slot && (number == 1 || u.slot%directBlock == 0)
}

// sendApart writes a part to a file of its own.
func (u *upload) sendApart(ctx context.Context, number int, body objstore.Body) error {
	tmp := fmt.Sprintf("%s/tmp-%d", u.folder, u.s.counter.Add(1))
	err := u.s.onFile(tmp, os.O_CREATE|os.O_EXCL, func(f *os.File) error {
		return errors.Join(u.s.writeBody(ctx, f, 0, body), classify(f.Truncate(body.Size)))
	})
	if err == nil {
		err = classify(u.s.root.Rename(tmp, u.partName(number)))
	}
	if err != nil {
		u.s.root.Remove(tmp)
	}
	return err
}

func (u *upload) assembled() string { return u.folder + "/" + assembledName }

func (u *upload) partName(number int) string { return fmt.Sprintf("%s/part-%05d", u.folder, number) }

// Complete implements objstore.Upload.
func (u *upload) Complete(ctx context.Context) error {
	return objstore.Wrap("complete", u.key, u.complete(ctx))
}

func (u *upload) complete(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.named {
		if err := u.assemble(ctx); err != nil {
			return err
		}
		u.named = true
	}
	if err := u.s.syncName(u.key); err != nil {
		return err // to be called again: without that, the object may go in a crash
	}
	// The object is there; what is left of the upload goes with the session at
	// the latest.
	_ = u.s.root.RemoveAll(u.folder)
	return nil
}

// assemble makes the object of the parts, syncs it and gives it its key; u.mu is
// held.
func (u *upload) assemble(ctx context.Context) error {
	parts := len(u.inPlace) + len(u.apart)
	total, gapless := int64(0), true
	for number := 1; number <= parts; number++ {
		size, placed := u.inPlace[number]
		if !placed && !u.apart[number] {
			return fmt.Errorf("%w: part %d is missing", objstore.ErrInvalid, number)
		}
		gapless = gapless && placed && total == int64(number-1)*u.slot
		total += size
	}
	if parts == 0 {
		return fmt.Errorf("%w: no parts", objstore.ErrInvalid)
	}
	name := u.assembled()
	var err error
	if gapless {
		err = u.s.onFile(name, 0, func(f *os.File) error { return classify(errors.Join(f.Truncate(total), f.Sync())) })
	} else {
		name = u.s.newName("tmp")
		defer u.s.root.Remove(name)
		err = u.copyTo(ctx, name, parts)
	}
	if err != nil {
		return err
	}
	return u.s.name(name, u.key, u.opts)
}

// copyTo makes a file of the parts one after another, and syncs it.
func (u *upload) copyTo(ctx context.Context, name string, parts int) error {
	return u.s.onFile(name, os.O_CREATE|os.O_EXCL, func(f *os.File) error {
		for number := 1; number <= parts; number++ {
			if err := u.appendPart(ctx, f, number); err != nil {
				return err
			}
		}
		return classify(f.Sync())
	})
}

// appendPart copies a part by copy_file_range where the file system has it.
func (u *upload) appendPart(ctx context.Context, dst *os.File, number int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name, at := u.partName(number), int64(0)
	size, placed := u.inPlace[number]
	if placed {
		name, at = u.assembled(), int64(number-1)*u.slot
	}
	part, err := u.s.root.Open(name)
	if err != nil {
		return classify(err)
	}
	defer part.Close()
	if !placed {
		_, err = io.Copy(dst, part)
		return classify(err)
	}
	if _, err := part.Seek(at, io.SeekStart); err != nil {
		return classify(err)
	}
	_, err = io.CopyN(dst, part, size)
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
