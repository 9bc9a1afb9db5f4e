package kraftmeta

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// logFile is the consensus log's file in a controller's directory.
const logFile = "raft.db"

var (
	logBucket    = []byte("log")
	stableBucket = []byte("stable")
)

// logStore keeps consensus's log and votes in one bbolt file; it implements
// raft.LogStore and raft.StableStore. Every write is synced before it returns.
// After a write that failed nothing is written any more: what the file holds
// is not known then.
//
// A log entry is stored under its index (8 bytes, big-endian) as
//
//	+---------+--------+------+------+------------+----------+---------+------+
//	| version | CRC32C | type | term | appendedAt | extBytes | ext ... | data |
//	+---------+--------+------+------+------------+----------+---------+------+
//	    1B       4B       1B     8B    8B, Unix ns     4B
//
// with the CRC over all that follows it.
type logStore struct {
	db     *bolt.DB
	failed atomic.Pointer[error]
	onFail func(error)
}

const (
	entryVersion     = 1
	entryHeaderBytes = 1 + 4 + 1 + 8 + 8 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// lockWait is how long an open waits for another process to let go of the
// file, which a predecessor being replaced may be about to do.
const lockWait = 300 * time.Millisecond

// openLogStore opens or makes the log in dir, after checking that every entry
// of it can be read. onFail is called once, with the first write that failed.
func openLogStore(dir string, onFail func(error)) (*logStore, error) {
	path := filepath.Join(dir, logFile)
	if _, err := os.Stat(path); err == nil {
		if err := verifyLog(path); err != nil {
			return nil, err
		}
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout: lockWait,
		// The list of free pages is rebuilt at open, which spares a page of
		// every sync; the log is short, so that is quick.
		NoFreelistSync: true,
		FreelistType:   bolt.FreelistMapType,
		NoStatistics:   true,
		// Address space only: growth then never has to wait for readers.
		InitialMmapSize: 64 << 20,
	})
	if err != nil {
		return nil, openError(path, err)
	}
	db.AllocSize = 1 << 20 // the log is short: grow in small steps
	s := &logStore{db: db, onFail: onFail}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// verifyLog reads all of a log. Opened for writing, bbolt and consensus would
// panic over what they cannot read, in goroutines of theirs; here that is
// damage to report.
func verifyLog(path string) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a file cut short
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("read %s: %w: %v", path, ErrDamaged, r)
		}
	}()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: lockWait})
	if err != nil {
		return openError(path, err)
	}
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			return b.ForEach(func(key, value []byte) error {
				if string(name) != string(logBucket) {
					return nil
				}
				var l raft.Log
				if err := decodeEntry(value, &l); err != nil {
					return fmt.Errorf("read %s: entry %x: %w", path, key, err)
				}
				return nil
			})
		})
	})
	return errors.Join(err, db.Close())
}

// prepare makes the buckets. It writes in any case: a disk that takes no
// writes is to be found out here, where consensus would panic over it.
func (s *logStore) prepare() error {
	return s.update("prepare", func(tx *bolt.Tx) error {
		for _, name := range [][]byte{logBucket, stableBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return tx.Bucket(stableBucket).Put([]byte("format"), []byte{entryVersion})
	})
}

func openError(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("open %s: %w: another process is using it", path, ErrLocked)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("open %s: %w: %w", path, ErrDamaged, err)
	}
	return fmt.Errorf("open %s: %w", path, err)
}

func (s *logStore) close() error { return s.db.Close() }

// update runs fn in a transaction that is durable when update returns.
func (s *logStore) update(op string, fn func(tx *bolt.Tx) error) error {
	if err := s.err(); err != nil {
		return err
	}
	if err := s.db.Update(fn); err != nil {
		err = fmt.Errorf("%s %s: %w", op, s.db.Path(), err)
		if s.failed.CompareAndSwap(nil, &err) && s.onFail != nil {
			s.onFail(err)
		}
		return err
	}
	return nil
}

// err is the first write that failed.
func (s *logStore) err() error {
	if p := s.failed.Load(); p != nil {
		return *p
	}
	return nil
}

func indexKey(index uint64) []byte { return binary.BigEndian.AppendUint64(nil, index) }

// FirstIndex is the oldest entry's index, 0 for none.
func (s *logStore) FirstIndex() (uint64, error) { return s.edge((*bolt.Cursor).First) }

// LastIndex is the newest entry's index, 0 for none.
func (s *logStore) LastIndex() (uint64, error) { return s.edge((*bolt.Cursor).Last) }

func (s *logStore) edge(move func(*bolt.Cursor) ([]byte, []byte)) (index uint64, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		if key, _ := move(tx.Bucket(logBucket).Cursor()); len(key) == 8 {
			index = binary.BigEndian.Uint64(key)
		}
		return nil
	})
	return index, err
}

// GetLog reads one entry; raft.ErrLogNotFound when it is not there.
func (s *logStore) GetLog(index uint64, out *raft.Log) error {
	return s.db.View(func(tx *bolt.Tx) error {
		value := tx.Bucket(logBucket).Get(indexKey(index))
		if value == nil {
			return raft.ErrLogNotFound
		}
		if err := decodeEntry(value, out); err != nil {
			return fmt.Errorf("read entry %d of %s: %w", index, s.db.Path(), err)
		}
		out.Index = index
		return nil
	})
}

// StoreLog stores one entry.
func (s *logStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs stores entries with one sync for all.
func (s *logStore) StoreLogs(logs []*raft.Log) error {
	return s.update("append to", func(tx *bolt.Tx) error {
		b := tx.Bucket(logBucket)
		b.FillPercent = 0.9 // keys only grow: leave little room for others between
		for _, l := range logs {
			if err := b.Put(indexKey(l.Index), appendEntry(nil, l)); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteRange deletes the entries from first to last, both included.
func (s *logStore) DeleteRange(first, last uint64) error {
	return s.update("cut", func(tx *bolt.Tx) error {
		c := tx.Bucket(logBucket).Cursor()
		for key, _ := c.Seek(indexKey(first)); len(key) == 8 && binary.BigEndian.Uint64(key) <= last; key, _ = c.Next() {
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	})
}

// Set stores a value of consensus's own.
func (s *logStore) Set(key, value []byte) error {
	return s.update("write", func(tx *bolt.Tx) error { return tx.Bucket(stableBucket).Put(key, value) })
}

// Get reads a value of consensus's own; nothing for one never set.
func (s *logStore) Get(key []byte) (value []byte, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		value = append(value, tx.Bucket(stableBucket).Get(key)...)
		return nil
	})
	return value, err
}

// SetUint64 is Set for a number.
func (s *logStore) SetUint64(key []byte, v uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, v))
}

// GetUint64 is Get for a number; 0 for one never set.
func (s *logStore) GetUint64(key []byte) (uint64, error) {
	v, err := s.Get(key)
	if err != nil || len(v) == 0 {
		return 0, err
	}
	if len(v) != 8 {
		return 0, fmt.Errorf("read %q of %s: %d bytes instead of 8", key, s.db.Path(), len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}

func appendEntry(dst []byte, l *raft.Log) []byte {
	if len(l.Extensions) > math.MaxInt32 {
		panic(fmt.Sprintf("kraftmeta: %d bytes of log extensions", len(l.Extensions)))
	}
	start := len(dst)
	dst = append(dst, entryVersion, 0, 0, 0, 0, byte(l.Type))
	dst = binary.BigEndian.AppendUint64(dst, l.Term)
	appendedAt := int64(0) // the zero time has no Unix form
	if !l.AppendedAt.IsZero() {
		appendedAt = l.AppendedAt.UnixNano()
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(appendedAt))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(l.Extensions)))
	dst = append(dst, l.Extensions...)
	dst = append(dst, l.Data...)
	binary.BigEndian.PutUint32(dst[start+1:], crc32.Checksum(dst[start+5:], castagnoli))
	return dst
}

// decodeEntry fills all of out but its index, copying what it keeps.
func decodeEntry(src []byte, out *raft.Log) error {
	switch {
	case len(src) < entryHeaderBytes:
		return fmt.Errorf("%w: %d bytes", ErrDamaged, len(src))
	case src[0] != entryVersion:
		return fmt.Errorf("entry has version %d, this program reads %d: use a newer program", src[0], entryVersion)
	case crc32.Checksum(src[5:], castagnoli) != binary.BigEndian.Uint32(src[1:]):
		return fmt.Errorf("%w: checksum", ErrDamaged)
	}
	ext := uint64(binary.BigEndian.Uint32(src[entryHeaderBytes-4:]))
	rest := src[entryHeaderBytes:]
	if ext > uint64(len(rest)) {
		return fmt.Errorf("%w: %d bytes of extensions in %d", ErrDamaged, ext, len(rest))
	}
	*out = raft.Log{
		Type: raft.LogType(src[5]),
		Term: binary.BigEndian.Uint64(src[6:]),
		Data: append([]byte(nil), rest[ext:]...),
	}
	if ns := int64(binary.BigEndian.Uint64(src[14:])); ns != 0 {
		out.AppendedAt = time.Unix(0, ns)
	}
	if ext > 0 {
		out.Extensions = append([]byte(nil), rest[:ext]...)
	}
	return nil
}
