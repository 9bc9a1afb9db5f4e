// Package metatest is a metadata in memory for the tests of the streams layer:
// it keeps the rules that uploads, rescues and collections depend on, and
// nothing else. The real rules are kraftmeta/image's; internal/sim runs the
// streams layer against those.
package metatest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
)

// Stream is a stream as the metadata sees it.
type Stream struct {
	Epoch        ids.StreamEpoch
	Start        int64
	CommittedEnd int64
	Tails        []meta.Tail
	Ranges       []meta.ObjectRange
}

// Meta is a metadata of one node. Its zero value is not ready, see New.
type Meta struct {
	mu       sync.Mutex
	streams  map[ids.StreamID]*Stream
	prepared map[ids.ObjectID]bool
	removed  map[ids.ObjectID]string // their keys
	trims    map[ids.WALInstance]int64
	retired  map[ids.WALInstance]bool
	holders  map[ids.WALInstance]ids.NodeID
	nextID   ids.ObjectID
	commits  int

	// Before, if set, is called before each command with its name; its error
	// is the command's outcome.
	Before func(command string) error
}

// New makes an empty metadata.
func New() *Meta {
	return &Meta{
		streams: map[ids.StreamID]*Stream{}, prepared: map[ids.ObjectID]bool{},
		removed: map[ids.ObjectID]string{}, trims: map[ids.WALInstance]int64{}, retired: map[ids.WALInstance]bool{},
		holders: map[ids.WALInstance]ids.NodeID{},
	}
}

// Create makes streams, closed and empty.
func (m *Meta) Create(streams ...ids.StreamID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range streams {
		m.streams[id] = &Stream{}
	}
}

// Delete removes a stream.
func (m *Meta) Delete(stream ids.StreamID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.streams, stream)
}

// Stream is a copy of a stream's state.
func (m *Meta) Stream(id ids.StreamID) Stream {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := *m.streams[id]
	s.Tails, s.Ranges = slices.Clone(s.Tails), slices.Clone(s.Ranges)
	return s
}

// Trim is a WAL's trim position.
func (m *Meta) Trim(wal ids.WALInstance) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.trims[wal]
}

// Retired says whether a WAL was retired.
func (m *Meta) Retired(wal ids.WALInstance) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.retired[wal]
}

// Commits counts the uploads committed.
func (m *Meta) Commits() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.commits
}

// Unprepare collects every object that is prepared.
func (m *Meta) Unprepare() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.prepared)
}

// Replace changes the object that holds a range, as a compaction does.
func (m *Meta) Replace(stream ids.StreamID, i int, r meta.ObjectRange) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.streams[stream].Ranges[i] = r
}

func (m *Meta) lock(command string) (unlock func(), err error) {
	if m.Before != nil {
		if err := m.Before(command); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	return m.mu.Unlock, nil
}

// OpenStreams implements s3stream.StreamMeta.
func (m *Meta) OpenStreams(_ context.Context, wal ids.WALInstance, reqs []meta.OpenStream) ([]meta.OpenedStream, error) {
	unlock, err := m.lock("open")
	if err != nil {
		return nil, err
	}
	defer unlock()
	out := make([]meta.OpenedStream, len(reqs))
	for i, r := range reqs {
		out[i] = m.open(wal, r)
	}
	return out, nil
}

func (m *Meta) open(wal ids.WALInstance, r meta.OpenStream) meta.OpenedStream {
	s := m.streams[r.Stream]
	switch {
	case s == nil:
		return meta.OpenedStream{Stream: r.Stream, Err: meta.ErrUnknownStream}
	case s.Epoch != r.ExpectedEpoch:
		return meta.OpenedStream{Stream: r.Stream, Err: meta.ErrFenced}
	}
	end := s.CommittedEnd
	if n := len(s.Tails); n > 0 {
		if end = s.Tails[n-1].End; end == meta.OpenEnd {
			return meta.OpenedStream{Stream: r.Stream, Err: meta.ErrStillOpen}
		}
	}
	s.Epoch++
	s.Tails = append(s.Tails, meta.Tail{Stream: r.Stream, Epoch: s.Epoch, WAL: wal, Start: end, End: meta.OpenEnd})
	return meta.OpenedStream{Stream: r.Stream, Epoch: s.Epoch, Start: s.Start, CommittedEnd: s.CommittedEnd, End: end}
}

// CloseStreams implements s3stream.StreamMeta.
func (m *Meta) CloseStreams(_ context.Context, streams []meta.CloseStream) error {
	unlock, err := m.lock("close")
	if err != nil {
		return err
	}
	defer unlock()
	var refused []error
	for _, c := range streams {
		refused = append(refused, m.closeStream(c))
	}
	return errors.Join(refused...)
}

func (m *Meta) closeStream(c meta.CloseStream) error {
	s := m.streams[c.Stream]
	if s == nil {
		return meta.ErrUnknownStream
	}
	n := len(s.Tails)
	if n == 0 || s.Tails[n-1].Epoch != c.Epoch || s.Tails[n-1].End != meta.OpenEnd {
		return meta.ErrFenced
	}
	s.Tails[n-1].End = c.End
	s.dropTails()
	return nil
}

// TrimStream implements s3stream.StreamMeta.
func (m *Meta) TrimStream(_ context.Context, stream ids.StreamID, _ ids.StreamEpoch, newStart int64) error {
	unlock, err := m.lock("trim")
	if err != nil {
		return err
	}
	defer unlock()
	s := m.streams[stream]
	if s == nil {
		return meta.ErrUnknownStream
	}
	s.Start = max(s.Start, newStart)
	return nil
}

// PrepareObjects implements upload.Meta.
func (m *Meta) PrepareObjects(_ context.Context, n int) ([]ids.ObjectID, error) {
	unlock, err := m.lock("prepare")
	if err != nil {
		return nil, err
	}
	defer unlock()
	out := make([]ids.ObjectID, n)
	for i := range out {
		m.nextID++
		out[i] = m.nextID
		m.prepared[m.nextID] = true
	}
	return out, nil
}

// CommitUpload implements upload.Meta.
func (m *Meta) CommitUpload(_ context.Context, u meta.Upload) ([]meta.Refusal, error) {
	unlock, err := m.lock("commit")
	if err != nil {
		return nil, err
	}
	defer unlock()
	for _, o := range u.Objects {
		if !m.prepared[o.ID] {
			return nil, fmt.Errorf("object %d: %w", o.ID, meta.ErrNotPrepared)
		}
	}
	var refused []meta.Refusal
	trim := true
	for _, o := range u.Objects {
		delete(m.prepared, o.ID)
		for _, slice := range o.Slices {
			reason, dead := m.accept(u.WAL, o, slice)
			if reason != "" {
				refused = append(refused, meta.Refusal{Object: o.ID, Slice: slice, Reason: reason, Dead: dead})
				trim = trim && dead
			}
		}
	}
	if trim {
		m.trims[u.WAL] = max(m.trims[u.WAL], u.Trim)
	}
	m.commits++
	return refused, nil
}

func (m *Meta) accept(wal ids.WALInstance, o meta.Object, slice meta.Slice) (reason string, dead bool) {
	s := m.streams[slice.Stream]
	switch {
	case s == nil:
		return "unknown stream", true
	case slice.End <= s.CommittedEnd:
		return "already committed", true
	}
	at := slices.IndexFunc(s.Tails, func(t meta.Tail) bool { return t.Epoch == slice.Epoch && t.WAL == wal })
	switch {
	case at < 0:
		return "stale epoch", true
	case at > 0:
		return "not the first tail", false
	case slice.Start != s.CommittedEnd:
		return fmt.Sprintf("not contiguous with %d", s.CommittedEnd), false
	}
	s.CommittedEnd = slice.End
	s.Ranges = append(s.Ranges, meta.ObjectRange{Object: o.ID, Key: o.Key, Size: o.Size, Start: slice.Start, End: slice.End})
	s.dropTails()
	return "", false
}

// dropTails forgets tails that are whole in objects.
func (s *Stream) dropTails() {
	for len(s.Tails) > 0 && s.Tails[0].End != meta.OpenEnd && s.Tails[0].End <= s.CommittedEnd {
		s.Tails = s.Tails[1:]
	}
}

// Lose gives a closed stream's first tail up: what of it is not in objects is
// lost.
func (m *Meta) Lose(stream ids.StreamID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.streams[stream]
	s.Ranges = append(s.Ranges, meta.ObjectRange{Start: s.CommittedEnd, End: s.Tails[0].End})
	s.CommittedEnd = s.Tails[0].End
	s.dropTails()
}

// LostUpTo implements s3stream.StreamMeta.
func (m *Meta) LostUpTo(stream ids.StreamID, offset int64) (end int64, ok bool) {
	for _, r := range m.Objects(stream, offset, 1) {
		if r.IsLost() && r.Start <= offset {
			return r.End, true
		}
	}
	return offset, false
}

// Objects implements read.Index.
func (m *Meta) Objects(stream ids.StreamID, from int64, max int) []meta.ObjectRange {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.streams[stream]
	if s == nil {
		return nil
	}
	var out []meta.ObjectRange
	for _, r := range s.Ranges {
		if r.End > from && len(out) < max {
			out = append(out, r)
		}
	}
	return out
}

// Tails implements rescue.Meta.
func (m *Meta) Tails(instance ids.WALInstance) []meta.Tail {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []meta.Tail
	for _, s := range m.streams {
		for _, t := range s.Tails {
			if t.WAL == instance {
				t.CommittedEnd = s.CommittedEnd
				out = append(out, t)
			}
		}
	}
	return out
}

// RescueWAL implements rescue.Meta.
func (m *Meta) RescueWAL(_ context.Context, instance ids.WALInstance, ends []meta.TailEnd) error {
	unlock, err := m.lock("rescue")
	if err != nil {
		return err
	}
	defer unlock()
	for id, s := range m.streams {
		n := len(s.Tails) - 1
		if n < 0 || s.Tails[n].WAL != instance || s.Tails[n].End != meta.OpenEnd {
			continue
		}
		t := &s.Tails[n]
		t.End = max(t.Start, s.CommittedEnd)
		for _, e := range ends {
			if e.Stream == id && e.Epoch == t.Epoch {
				t.End = max(t.End, e.End)
			}
		}
		s.dropTails()
	}
	return nil
}

// RetireWAL implements s3stream.Meta.
func (m *Meta) RetireWAL(_ context.Context, instance ids.WALInstance) error {
	unlock, err := m.lock("retire")
	if err != nil {
		return err
	}
	defer unlock()
	for id, s := range m.streams {
		for _, t := range s.Tails {
			if t.WAL == instance {
				return fmt.Errorf("stream %d has a tail in WAL %s", id, instance)
			}
		}
	}
	m.retired[instance] = true
	return nil
}

// Prepared implements gc.Meta.
func (m *Meta) Prepared() []meta.PreparedObject {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []meta.PreparedObject
	for id := range m.prepared {
		out = append(out, meta.PreparedObject{ID: id})
	}
	return out
}

// AbortObjects implements gc.Meta.
func (m *Meta) AbortObjects(_ context.Context, objects []ids.ObjectID) error {
	unlock, err := m.lock("abort")
	if err != nil {
		return err
	}
	defer unlock()
	for _, id := range objects {
		if m.prepared[id] {
			delete(m.prepared, id)
			m.removed[id] = ""
		}
	}
	return nil
}

// Removed implements gc.Meta.
func (m *Meta) Removed() []meta.RemovedObject {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []meta.RemovedObject
	for id, key := range m.removed {
		out = append(out, meta.RemovedObject{ID: id, Key: key, Deletable: true})
	}
	return out
}

// ForgetObjects implements gc.Meta.
func (m *Meta) ForgetObjects(_ context.Context, objects []ids.ObjectID) error {
	unlock, err := m.lock("forget")
	if err != nil {
		return err
	}
	defer unlock()
	for _, id := range objects {
		delete(m.removed, id)
	}
	return nil
}

// Due implements upload.Meta.
func (m *Meta) Due(wal ids.WALInstance, stream ids.StreamID, epoch ids.StreamEpoch) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.streams[stream]
	if s == nil {
		return true
	}
	first := true // of other WALs' tails, none comes before
	for _, t := range s.Tails {
		if t.Epoch == epoch && t.WAL == wal {
			return first
		}
		first = first && t.WAL == wal
	}
	return true
}

// Hold says which node serves the tails in a WAL.
func (m *Meta) Hold(wal ids.WALInstance, holder ids.NodeID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.holders[wal] = holder
}

// TailAt implements s3stream.StreamMeta.
func (m *Meta) TailAt(stream ids.StreamID, offset int64) (meta.HeldTail, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.streams[stream]
	if s == nil || offset < s.CommittedEnd {
		return meta.HeldTail{}, false
	}
	for _, t := range s.Tails {
		if t.Start <= offset && offset < t.End {
			holder, held := m.holders[t.WAL]
			if !held {
				holder = meta.NoNode
			}
			return meta.HeldTail{Epoch: t.Epoch, Start: t.Start, End: t.End, Holder: holder}, true
		}
	}
	return meta.HeldTail{}, false
}
