package image

import (
	"github.com/seawallmq/seawall/internal/ids"
)

// draft is the image that a command is making: what its checks see includes
// what it has put before.
type draft struct {
	img     *Image // private
	index   uint64
	records []Record
}

func newDraft(img *Image, index uint64) *draft {
	d := &draft{img: img.copy(), index: index}
	d.img.index = index
	return d
}

func (d *draft) put(r Record) {
	r.apply(d.img)
	d.records = append(d.records, r)
}

func (d *draft) delta() Delta { return Delta{Index: d.index, Records: d.records} }

// Apply carries out a command as the one at index, which is past img's. It
// returns the image after it, the records that lead there, and the answer:
//
//   - a command seen before changes nothing and gets its first answer;
//   - a command refused as a whole changes nothing but the remembered answers;
//   - equal images, indexes and requests give equal outcomes on every machine.
//
// See [Image.Fork] for who may call it.
func Apply(img *Image, index uint64, req *Request) (*Image, Delta, *Answer) {
	kind := req.Command.CommandKind()
	known, refusal := img.remembered(req)
	if known != nil {
		if a, err := DecodeAnswer(known.Answer); err == nil && a.Command == kind {
			return idle(img, index, a)
		}
		refusal = refuse(InvalidCommand, "command %d was another command before", req.ID.Sequence)
	}
	if refusal != nil {
		return idle(img, index, &Answer{Command: kind, Refusal: refusal})
	}

	d := newDraft(img, index)
	answer := &Answer{Command: kind, Index: index}
	if answer.Result, answer.Refusal = d.run(req.Command); answer.Refusal != nil {
		answer.Result = nil
		d = newDraft(img, index) // drops what the command put before it gave up
	}
	d.remember(req, answer)
	return d.img, d.delta(), answer
}

// idle is the outcome of a command that changes nothing but the index.
func idle(img *Image, index uint64, a *Answer) (*Image, Delta, *Answer) {
	d := newDraft(img, index)
	return d.img, d.delta(), a
}

func (d *draft) run(cmd Command) (Result, *Refusal) {
	if _, format := cmd.(*FormatCluster); !format && d.img.cluster == nil {
		return nil, refuse(NotFormatted, "%s before FormatCluster", cmd.CommandKind())
	}
	return cmd.run(d)
}

func (d *draft) remember(req *Request, a *Answer) {
	if _, ok := d.img.issuers.get(req.ID.Issuer); !ok && d.img.issuers.len() >= maxIssuers {
		if oldest, ok := d.img.silentIssuer(); ok {
			d.put(&ForgetIssuer{oldest})
		}
	}
	d.put(&Remembered{
		ID:     req.ID,
		Floor:  min(req.AckedBelow, req.ID.Sequence),
		Index:  d.index,
		Answer: AppendAnswer(nil, a),
	})
}

// checkNode refuses a node that is not registered at this very epoch.
func (d *draft) checkNode(id ids.NodeID, epoch ids.NodeEpoch) *Refusal {
	n, ok := d.img.nodes.get(id)
	switch {
	case !ok:
		return refuse(UnknownNode, "node %d", id)
	case n.Epoch != epoch:
		return refuse(StaleNodeEpoch, "node %d is at epoch %d, not %d", id, n.Epoch, epoch)
	}
	return nil
}

// checkHolder refuses a node that does not speak for a WAL, and returns it.
func (d *draft) checkHolder(id ids.NodeID, epoch ids.NodeEpoch, instance ids.WALInstance) (*WAL, *Refusal) {
	if r := d.checkNode(id, epoch); r != nil {
		return nil, r
	}
	w, ok := d.img.wals.get(instance)
	switch {
	case !ok:
		return nil, refuse(UnknownWAL, "WAL %s", instance)
	case !w.HeldBy(id, epoch):
		return nil, refuse(NotWALHolder, "WAL %s is %s and not held by node %d at epoch %d",
			instance, w.State, id, epoch)
	}
	return w, nil
}

// take gives out n numbers of a counter and returns the first.
func (d *draft) take(kind CounterKind, n uint64) (uint64, *Refusal) {
	first := d.img.NextID(kind)
	if first+n < first || first+n > maxCounter {
		return 0, refuse(InvalidCommand, "the %s counter is used up", kind)
	}
	d.put(&Counter{Kind: kind, Next: first + n})
	return first, nil
}

// maxCounter keeps every id a positive int64, as Kafka needs producer ids.
const maxCounter = 1<<63 - 1
