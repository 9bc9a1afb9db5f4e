package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/node/streammeta"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/rescue"
	"github.com/seawallmq/seawall/s3stream/streamtest"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// rescuing is one WAL on its way to another holder, step by step: take the
// volume, write the fence, read, report, serve.
type rescuing struct {
	p        *proc
	instance ids.WALInstance
	phase    rescuePhase
	d        *disk
	again    time.Duration // when to try again

	// What was read.
	life    walfmt.Life
	entries []entry
	ends    []meta.TailEnd
	end     int64
}

type rescuePhase uint8

const (
	takeVolume rescuePhase = iota
	writeFence
	readWAL
	reporting // the command is under way
)

func (r *rescuing) canStep() bool { return r.phase != reporting && r.p.w.now >= r.again }

func (r *rescuing) step() {
	img := r.p.image()
	x, ok := img.WAL(r.instance)
	if !ok || img.RescuerOf(x) != r.p.id {
		r.giveUp() // another one was named
		return
	}
	if r.phase != takeVolume && r.d.life(r.instance) == nil {
		r.phase = takeVolume // it is gone, and this process is late
	}
	switch r.phase {
	case takeVolume:
		r.take(x)
	case writeFence:
		r.writeFence(img, x)
	case readWAL:
		r.read(x)
	}
}

func (r *rescuing) take(x *image.WAL) {
	r.d = r.p.w.diskOf(r.instance)
	if r.d == nil { // retired, as a newer image will tell
		r.failed()
		return
	}
	force := r.d.owner != nil && r.d.owner.slot.attach
	if !r.d.lock(r.p, force) {
		r.failed()
		return
	}
	r.phase = writeFence
}

// failed reports that the process cannot rescue the WAL now.
func (r *rescuing) failed() {
	p, a := r.p, balance.Attempt{WAL: r.instance, Node: r.p.id}
	p.say("cannot rescue WAL %s", r.instance.Hex()[:8])
	p.w.saw(evCannotRescue)
	r.again = p.w.now + beatInterval
	p.w.net.send(p, nil, func() { p.w.ctl.failed[a] = true })
}

func (r *rescuing) giveUp() {
	for i := range r.p.rescues {
		if r.p.rescues[i] == r {
			r.p.rescues = append(r.p.rescues[:i], r.p.rescues[i+1:]...)
			break
		}
	}
	if r.d != nil {
		r.p.unlock(r.d)
	}
	r.p.restless = true
}

func (r *rescuing) writeFence(img *image.Image, x *image.WAL) {
	p := r.p
	r.phase = readWAL
	if !r.d.shared || p.w.mistake == ownWithoutFence && x.Node == p.id {
		return
	}
	n, _ := img.Node(x.Node)
	k := r.d.life(r.instance)
	err := fence.Take(&view{d: r.d, p: p, life: k.Life}, fence.Cell{NodeEpoch: n.Epoch, Rescuer: p.id, Instance: r.instance})
	switch {
	case err == nil:
	case r.d.away:
		r.phase = takeVolume
	default:
		r.phase = writeFence
	}
}

// read reads the WAL by the real code, from where the metadata says.
func (r *rescuing) read(x *image.WAL) {
	p := r.p
	k := r.d.life(r.instance)
	area := r.d.area(p, k)
	m := &endsOf{Meta: streammeta.New(streammeta.Config{Client: metaClient{p}, Node: p.id, NodeEpoch: p.epoch})}
	var at *walfmt.Record
	r.entries = nil
	_, err := rescue.Rescue(context.Background(), rescue.Config{
		Meta: m, Instance: r.instance, Cache: p.w.cache, Frame: streamtest.Frame,
		Listener: listener(func(payload []byte) {
			r.entries = append(r.entries, entry{
				stream: at.Stream, epoch: at.StreamEpoch, base: at.BaseOffset,
				value: decodeValue(payload), position: at.Position, size: len(payload),
			})
		}),
		Recover: func(ctx context.Context, visit func(*walfmt.Record) error) (*wal.Recovered, error) {
			expect := wal.Expect{Cluster: clusterID, Node: r.d.node, Instance: r.instance, TrimPosition: int64(x.Trim)}
			rec, err := wal.Recover(ctx, area, expect, func(rec *walfmt.Record) error {
				at = rec
				return visit(rec)
			})
			if err == nil {
				r.end = rec.End
			}
			return rec, err
		},
	})
	switch {
	case errors.Is(err, errOffline): // the volume was taken away
		r.phase = takeVolume
	case !errors.Is(err, errLater):
		p.w.fail("I7", "%s: %v", p, err)
	default:
		r.ends = m.ends
		k.from, k.end = int64(x.Trim), r.end
		r.life = k.Life
		p.say("read WAL %s from %d to %d: ends %v", r.instance.Hex()[:8], x.Trim, r.end, r.ends)
		r.report()
	}
}

// endsOf is the metadata of a rescue, which keeps the ends it is told and puts
// the command off.
type endsOf struct {
	*streammeta.Meta
	ends []meta.TailEnd
}

// RescueWAL implements rescue.Meta.
func (m *endsOf) RescueWAL(_ context.Context, _ ids.WALInstance, ends []meta.TailEnd) error {
	m.ends = ends
	return errLater
}

// listener hears the needed records of a rescue.
type listener func(payload []byte)

// Record implements rescue.Listener.
func (l listener) Record(_ ids.StreamID, _ ids.StreamEpoch, _, _ int64, payload []byte) { l(payload) }

// Mark implements rescue.Listener; nobody marks here.
func (listener) Mark(ids.StreamID, ids.StreamEpoch, int64, []byte) {}

// report fixes the ends of all streams by one command.
func (r *rescuing) report() {
	r.phase = reporting
	cmd := &image.RescueWAL{Node: r.p.id, NodeEpoch: r.p.epoch, Instance: r.instance}
	for _, e := range r.ends {
		cmd.Ends = append(cmd.Ends, image.StreamEnd(e))
	}
	was, _ := r.p.image().WAL(r.instance)
	r.p.submit(cmd, func(_ image.Result, refused *image.Refusal) {
		if refused == nil {
			r.adopt(was)
		} else {
			r.p.w.saw(evRescueRefused)
		}
		r.giveUp()
	})
}

// adopt serves and uploads what was rescued.
func (r *rescuing) adopt(was *image.WAL) {
	p := r.p
	p.w.saw(evRescue)
	if was.Node != p.id {
		p.w.saw(evTakeover)
	}
	if was.State == image.WALRescued {
		p.w.saw(evRescuedAgain)
	}
	s := &source{p: p, d: r.d, entries: r.entries, durable: r.end, rescued: true, life: r.life}
	s.up.s = s
	p.adopted = append(p.adopted, s)
	p.say("serves WAL %s", r.instance.Hex()[:8])
}

// diskOf finds the volume that an instance lies in.
func (w *world) diskOf(instance ids.WALInstance) *disk {
	for _, d := range w.disks {
		if d.life(instance) != nil {
			return d
		}
	}
	return nil
}
