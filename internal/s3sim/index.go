package s3sim

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/tidwall/btree"
)

// object is what a key stands for. It never changes; its bytes are freed when
// the index and every reader have let go of it.
type object struct {
	parts    []extent
	size     int64
	etag     string
	modified time.Time
	meta     []field // user metadata, as it was sent
	crc32c   string  // of the whole content, in base64; empty: not known
	users    atomic.Int32
}

// field is a header.
type field struct{ name, value string }

// index is all objects and all uploads under way, by path: bucket, slash, key.
// Its user locks it.
type index struct {
	objects btree.Map[string, *object]
	uploads map[string]*upload // by id
	held    int                // objects, and parts of uploads
	stored  int64              // bytes of objects
}

// upload is a multipart upload under way.
type upload struct {
	path   string
	id     string
	begun  time.Time
	meta   []field
	sums   bool // its parts' CRC32C are wanted
	parts  map[int]*part
	closed bool // completed or given up: what still comes is freed
}

// part is one part of an upload.
type part struct {
	extent   extent
	etag     string
	crc32c   uint32
	modified time.Time
}

// page is one page of a listing.
type page struct {
	entries []entry
	folders []string // common prefixes, when there is a delimiter
	more    bool
	last    string // the next page comes after it
}

// entry is one object of a listing.
type entry struct {
	path string
	o    *object
}

// set gives a new object its path, and returns the one that had it, if any. With
// ifAbsent there must be none.
func (x *index) set(path string, o *object, ifAbsent bool) (old *object, err error) {
	if ifAbsent {
		if _, exists := x.objects.Get(path); exists {
			return nil, errPrecondition
		}
	}
	o.users.Store(1)
	old, replaced := x.objects.Set(path, o)
	x.stored += o.size
	if replaced {
		x.stored -= old.size
	} else {
		x.held++
	}
	return old, nil
}

// remove takes an object out; nil if there is none.
func (x *index) remove(path string) *object {
	o, ok := x.objects.Delete(path)
	if !ok {
		return nil
	}
	x.held--
	x.stored -= o.size
	return o
}

// list collects up to limit objects, or folders, under prefix that come after a
// path. What follows the prefix up to a delimiter is one folder.
func (x *index) list(prefix, after, delimiter string, limit int) page {
	var p page
	x.objects.Ascend(max(prefix, after), func(path string, o *object) bool {
		if !strings.HasPrefix(path, prefix) {
			return false
		}
		folder, isFolder := "", false
		if delimiter != "" {
			if i := strings.Index(path[len(prefix):], delimiter); i >= 0 {
				folder, isFolder = path[:len(prefix)+i+len(delimiter)], true
			}
		}
		// A page that ended with a folder goes on after all that is in it.
		if path <= after || isFolder && (folder == p.last || folder == after) {
			return true
		}
		if len(p.entries)+len(p.folders) >= limit {
			p.more = true
			return false
		}
		if isFolder {
			p.folders = append(p.folders, folder)
			p.last = folder
		} else {
			p.entries = append(p.entries, entry{path, o})
			p.last = path
		}
		return true
	})
	return p
}
