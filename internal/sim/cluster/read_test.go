package cluster

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/node/streammeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

const readMax = 6 // records

// read finds what a stream has from an offset on: in objects, in a WAL held
// here, or with whoever holds the tail. got may hear of nothing, when it is to
// be asked again, or not be called at all.
func (p *proc) read(stream ids.StreamID, from, upTo int64, got func([]entry)) {
	img := p.image()
	s, _ := img.Stream(stream)
	if end, lost := img.LostUpTo(stream, from); lost {
		if from = end; p.w.mistake == passTooMuch {
			from++
		}
	}
	if from >= upTo {
		got(nil)
		return
	}
	if from < s.CommittedEnd {
		p.w.saw(evObjectRead)
		got(p.readObjects(img, stream, from, min(upTo, s.CommittedEnd)))
		return
	}
	for _, t := range s.Tails {
		if from < t.Start || !t.IsOpen() && from >= t.End {
			continue
		}
		if !t.IsOpen() {
			upTo = min(upTo, t.End)
		}
		if h := p.held(t.WAL); h != nil {
			got(h.run(stream, t.Epoch, from, upTo))
			return
		}
		if !t.IsOpen() {
			p.readTail(img, stream, t, from, upTo, got)
			return
		}
	}
	got(nil)
}

// readTail asks the holder of a closed tail.
func (p *proc) readTail(img *image.Image, stream ids.StreamID, t image.Tail, from, upTo int64, got func([]entry)) {
	holder := streammeta.HolderOf(img, t.WAL)
	for _, peer := range p.w.procs {
		if peer.id != holder || peer.epoch != img.EpochOf(holder) {
			continue
		}
		p.w.net.send(p, peer, func() {
			h := peer.held(t.WAL)
			if h == nil {
				return
			}
			p.w.saw(evTailRead)
			found := h.run(stream, t.Epoch, from, upTo)
			p.w.net.send(peer, p, func() { got(found) })
		})
		return
	}
	got(nil)
}

// run is what a WAL has of an opening from an offset on.
func (s *source) run(stream ids.StreamID, epoch ids.StreamEpoch, from, upTo int64) (found []entry) {
	for ; from < upTo && len(found) < readMax; from++ {
		e := s.find(stream, epoch, from)
		if e == nil {
			break
		}
		s.verify(e)
		found = append(found, *e)
	}
	return found
}

// readObjects reads what objects hold from an offset on, nil when the store
// does not answer.
func (p *proc) readObjects(img *image.Image, stream ids.StreamID, from, upTo int64) (found []entry) {
	for r := range img.Ranges(stream, from) {
		if r.IsLost() {
			break
		}
		o, _ := img.Object(r.Object)
		x, answers := p.w.store.get(o.Key)
		if !answers {
			break
		}
		if x == nil {
			p.w.missing(p, o.Key, r)
			break
		}
		for i := range x.records {
			if e := &x.records[i]; e.stream == stream && e.base == from && from < min(r.End, upTo) {
				found = append(found, *e)
				from++
			}
		}
		if len(found) >= readMax || from >= upTo {
			break
		}
	}
	return found
}
