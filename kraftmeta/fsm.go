package kraftmeta

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// fsm applies what consensus committed. Its methods are called by one
// goroutine of the consensus library; it implements raft.FSM.
type fsm struct {
	feed *feed
	// broken is set by an entry that this program cannot apply, one of a newer
	// program. To go on past it would make another image than other controllers
	// have, so nothing is applied any more.
	broken atomic.Pointer[error]
	onFail func(error)
}

// Apply applies one committed command and returns its *image.Answer, or an
// error if this controller can apply nothing any more.
func (m *fsm) Apply(l *raft.Log) any {
	if err := m.err(); err != nil {
		return err
	}
	req, err := image.DecodeRequest(l.Data)
	if err != nil {
		err = fmt.Errorf("apply metadata command %d: %w", l.Index, err)
		m.broken.Store(&err)
		m.onFail(err)
		return err
	}
	return m.feed.apply(l.Index, req)
}

func (m *fsm) err() error {
	if p := m.broken.Load(); p != nil {
		return *p
	}
	return nil
}

// Snapshot captures the newest image; it is written later, while commands go
// on being applied.
func (m *fsm) Snapshot() (raft.FSMSnapshot, error) {
	if err := m.err(); err != nil {
		return nil, err
	}
	return fsmSnapshot{m.feed.current()}, nil
}

// Restore begins again with a snapshot.
func (m *fsm) Restore(r io.ReadCloser) error {
	img, err := image.ReadSnapshot(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	m.feed.reset(img)
	return nil
}

type fsmSnapshot struct{ img *image.Image }

// Persist writes the image to sink.
func (s fsmSnapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.img.WriteSnapshot(sink); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// Release has nothing to release: images are collected.
func (fsmSnapshot) Release() {}
