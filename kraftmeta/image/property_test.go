package image

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/seawallmq/seawall/internal/ids"
)

// machine draws commands that mostly make sense against the image as it is,
// and now and then do not: stale epochs, wrong offsets, things that are not.
type machine struct {
	*cluster
	rt   *rapid.T
	sent []sentRequest
	next byte // for UUIDs
}

type sentRequest struct {
	req    *Request
	answer []byte
}

func (m *machine) draw(label string, n int) int { return rapid.IntRange(0, n-1).Draw(m.rt, label) }

// rarely is true once in n times.
func (m *machine) rarely(label string, n int) bool { return m.draw(label, n) == 0 }

func (m *machine) fresh() ids.UUID {
	m.next++
	return ids.UUID{14: 1, 15: m.next}
}

func pick[T any](m *machine, label string, from []T) (picked T, ok bool) {
	if len(from) == 0 {
		return picked, false
	}
	return from[m.draw(label, len(from))], true
}

// node is a node with its epoch, sometimes a stale one.
func (m *machine) node() (ids.NodeID, ids.NodeEpoch) {
	n, ok := pick(m, "node", slices.Collect(m.img.Nodes()))
	if !ok {
		return 1, 1
	}
	if m.rarely("stale node epoch", 15) {
		return n.ID, n.Epoch - 1
	}
	return n.ID, n.Epoch
}

// wal is a WAL with whoever holds it.
func (m *machine) wal() (w *WAL, holder ids.NodeID, epoch ids.NodeEpoch) {
	w, ok := pick(m, "WAL", slices.Collect(m.img.WALs()))
	if !ok {
		return &WAL{Instance: uuid(1)}, 1, 1
	}
	if w.State == WALRescued {
		return w, w.Rescuer, w.RescuerEpoch
	}
	return w, w.Node, w.NodeEpoch
}

func (m *machine) streams() []*Stream {
	var some []*Stream
	for s := range m.img.Streams() {
		if !m.rarely("leave out", 3) {
			some = append(some, s)
		}
	}
	return some
}

func (m *machine) command() Command {
	node, epoch := m.node()
	switch rapid.SampledFrom([]CommandKind{
		KindRegisterNode, KindFenceNode, KindOpenWAL, KindRescueWAL, KindRescueWAL, KindRetireWAL,
		KindOpenStreams, KindOpenStreams, KindOpenStreams, KindCloseStreams, KindTrimStreams, KindTrimStreams,
		KindCommitUpload, KindCommitUpload, KindCommitUpload, KindCommitUpload,
		KindAbortObjects, KindObjectsDeleted, KindPrepareObjects, KindPrepareObjects, KindCreateTopics,
		KindCreatePartitions, KindDeleteTopics, KindAlterConfigs, KindSetLeaders, KindAllocateProducerIDs, KindAbandonWAL,
	}).Draw(m.rt, "command") {
	case KindRegisterNode:
		id := ids.NodeID(1 + m.draw("node id", 2))
		return &RegisterNode{Node: id, Incarnation: m.fresh(), Previous: m.img.EpochOf(id)}
	case KindFenceNode:
		if !m.rarely("really fence", 3) {
			return &UpdateFeatures{Features: []Feature{{"f", int16(m.draw("level", 4))}}}
		}
		fence := &FenceNode{Node: node, Epoch: epoch}
		for w := range m.img.WALs() {
			fence.Rescuers = append(fence.Rescuers, WALRescuer{w.Instance, ids.NodeID(m.draw("rescuer", 4) - 1)})
		}
		return fence
	case KindOpenWAL:
		kind, _ := pick(m, "kind", []string{"shared", "shared", KindDirect})
		return &OpenWAL{node, epoch, m.fresh(), kind, fmt.Sprint(kind, "-", node)}
	case KindRescueWAL:
		return m.rescue(node, epoch)
	case KindRetireWAL:
		w, holder, epoch := m.wal()
		return &RetireWAL{holder, epoch, w.Instance}
	case KindAbandonWAL:
		w, holder, epoch := m.wal()
		return &AbandonWAL{w.Instance, holder, epoch}
	case KindOpenStreams:
		return m.openStreams()
	case KindCloseStreams:
		return m.closeStreams()
	case KindTrimStreams:
		return m.trimStreams(node, epoch)
	case KindCommitUpload:
		return m.upload()
	case KindPrepareObjects:
		return &PrepareObjects{node, epoch, int32(m.draw("count", 4)), 0}
	case KindAbortObjects, KindObjectsDeleted:
		return m.collect(node, epoch)
	case KindAllocateProducerIDs:
		return &AllocateProducerIDs{node, epoch, 1 + int32(m.draw("count", 9))}
	}
	return m.topicCommand()
}

func (m *machine) rescue(node ids.NodeID, epoch ids.NodeEpoch) Command {
	w, _, _ := m.wal()
	cmd := &RescueWAL{Node: node, NodeEpoch: epoch, Instance: w.Instance}
	for _, s := range m.streams() {
		cmd.Ends = append(cmd.Ends, StreamEnd{s.ID, s.Epoch, s.KnownEnd() + int64(m.draw("more", 9))})
	}
	return cmd
}

func (m *machine) openStreams() Command {
	w, holder, epoch := m.wal()
	cmd := &OpenStreams{Node: holder, NodeEpoch: epoch, WAL: w.Instance}
	for _, s := range m.streams() {
		cmd.Streams = append(cmd.Streams, OpenStream{s.ID, s.Epoch})
	}
	return cmd
}

func (m *machine) closeStreams() Command {
	_, holder, epoch := m.wal()
	cmd := &CloseStreams{Node: holder, NodeEpoch: epoch}
	for _, s := range m.streams() {
		cmd.Streams = append(cmd.Streams, StreamEnd{s.ID, s.Epoch, s.KnownEnd() + int64(m.draw("more", 9)) - 1})
	}
	return cmd
}

func (m *machine) trimStreams(node ids.NodeID, epoch ids.NodeEpoch) Command {
	cmd := &TrimStreams{Node: node, NodeEpoch: epoch}
	for _, s := range m.streams() {
		cmd.Streams = append(cmd.Streams, StreamStart{s.ID, s.Epoch, s.StartOffset + int64(m.draw("more", 15))})
	}
	return cmd
}

func (m *machine) upload() Command {
	w, holder, epoch := m.wal()
	cmd := &CommitUpload{Node: holder, NodeEpoch: epoch, WAL: w.Instance, Trim: w.Trim + uint64(m.draw("trim", 9))}
	for o := range m.img.Unsettled() {
		if o.State == ObjectPrepared && o.PreparedBy == holder && o.PreparedEpoch == epoch {
			cmd.Objects = append(cmd.Objects, UploadedObject{
				ID: o.ID, Key: "k", Kind: ObjectKind(1 + m.draw("kind", 2)), Size: 1,
			})
		}
	}
	if len(cmd.Objects) == 0 {
		return &PrepareObjects{holder, epoch, 1, 0}
	}
	for _, s := range m.streams() {
		// The object of each stream is any, so some come to hold nothing.
		o, _ := pick(m, "object", cmd.Objects)
		from := s.CommittedEnd
		for _, t := range s.Tails {
			end := t.End
			if t.IsOpen() {
				end = max(from, t.Start) + int64(m.draw("appended", 9))
			}
			if t.WAL == w.Instance && end > from {
				start := max(from, t.Start) + int64(m.draw("gap", 12)/11)
				if start < end {
					cmd.Slices = append(cmd.Slices, Slice{o.ID, s.ID, t.Epoch, start, end, 1})
				}
			}
		}
	}
	return cmd
}

func (m *machine) collect(node ids.NodeID, epoch ids.NodeEpoch) Command {
	var objects []ids.ObjectID
	for o := range m.img.Objects() {
		if !m.rarely("leave out", 2) {
			objects = append(objects, o.ID)
		}
	}
	if m.rarely("abort", 2) {
		return &AbortObjects{node, epoch, objects}
	}
	return &ObjectsDeleted{node, epoch, m.index - uint64(m.draw("lag", int(m.index))), objects}
}

func (m *machine) topicCommand() Command {
	topic, _ := pick(m, "topic", slices.Collect(m.img.Topics()))
	name := rapid.SampledFrom([]string{"a", "b", "a.b", "a_b", "?", ""}).Draw(m.rt, "name")
	leaders := slices.Repeat([]ids.NodeID{ids.NodeID(m.draw("leader", 3))}, 1+m.draw("partitions", 2))
	kind := m.draw("topic command", 6)
	switch {
	case topic == nil || kind == 0:
		return &CreateTopics{[]NewTopic{{name, m.fresh(), leaders, []ConfigEntry{{"k", "v"}}}, {"c", m.fresh(), leaders, nil}}}
	case kind == 1:
		return &CreatePartitions{[]MorePartitions{{topic.ID, m.img.PartitionCount(topic.ID), leaders}}}
	case kind == 2:
		return &DeleteTopics{[]ids.TopicID{topic.ID}}
	case kind == 3:
		op := ConfigOp(m.draw("op", 5))
		return &AlterConfigs{[]ConfigChange{{TopicConfigOf(topic.Name), op, "k", name}}}
	}
	cmd := new(SetLeaders)
	for p := range m.img.Partitions(topic.ID) {
		cmd.Partitions = append(cmd.Partitions, NewLeader{topic.ID, p.Index, p.LeaderEpoch, leaders[0]})
	}
	return cmd
}

// step applies one command, new or again, and checks all that must hold.
func (m *machine) step() {
	before := m.img
	if len(m.sent) > 0 && m.rarely("retry", 6) {
		again, _ := pick(m, "which", m.sent)
		a := m.apply(again.req)
		if a.Refusal != nil && a.Refusal.Reason == Forgotten {
			if again.req.ID.Sequence >= m.sequence {
				m.rt.Errorf("the newest command was forgotten")
			}
		} else if got := AppendAnswer(nil, a); !bytes.Equal(got, again.answer) {
			m.rt.Errorf("a retry of %#v got %x, the first answer was %x", again.req.Command, got, again.answer)
		}
		if d := Diff(before, m.img); len(d.Records) > 0 {
			m.rt.Errorf("a retry changed %#v", d.Records[0])
		}
		return
	}
	m.sequence++
	floor := m.sequence - min(m.sequence-1, uint64(m.draw("waiting", 8)))
	req := &Request{ID: CommandID{m.issuer, m.sequence}, AckedBelow: floor, Command: m.command()}
	a := m.apply(req)
	if a.Refusal != nil && a.Refusal.Reason <= OutOfWindow {
		m.rt.Errorf("a new command: %v", a.Refusal)
	}
	m.sent = append(m.sent, sentRequest{req, AppendAnswer(nil, a)})
	checkInvariants(m.rt, m.img)
	checkMonotone(m.rt, before, m.img)
	checkSameImage(m.rt, "the observer's", m.follower, m.img)
	checkSameImage(m.rt, "the one by Diff", before.Fork().With(Diff(before, m.img)), m.img)
}

// checkMonotone fails when an epoch or an offset that only rises has fallen.
func checkMonotone(t rapid.TB, before, after *Image) {
	for s := range before.Streams() {
		now, ok := after.Stream(s.ID)
		if ok && (now.Epoch < s.Epoch || now.StartOffset < s.StartOffset || now.CommittedEnd < s.CommittedEnd || now.KnownEnd() < s.KnownEnd()) {
			t.Errorf("stream %+v became %+v", s, now)
		}
	}
	for n := range before.Nodes() {
		if now, ok := after.Node(n.ID); !ok || now.Epoch < n.Epoch {
			t.Errorf("node %+v became %+v", n, now)
		}
	}
	for w := range before.WALs() {
		if now, ok := after.WAL(w.Instance); ok && (now.Trim < w.Trim || now.State < w.State) {
			t.Errorf("WAL %+v became %+v", w, now)
		}
	}
	for p := range before.AllPartitions() {
		if now, ok := after.Partition(p.Topic, p.Index); ok && now.LeaderEpoch < p.LeaderEpoch {
			t.Errorf("partition %+v became %+v", p, now)
		}
	}
}

func checkSameImage(t rapid.TB, what string, got, want *Image) {
	t.Helper()
	if !bytes.Equal(encoded(got), encoded(want)) {
		t.Errorf("%s image is another", what)
	}
	checkSameIndexes(t, what, got, want)
}

// checkSameIndexes compares what is derived, and in no snapshot.
func checkSameIndexes(t rapid.TB, what string, got, want *Image) {
	t.Helper()
	if got.topicNames.len() != want.topicNames.len() || got.unsettled.len() != want.unsettled.len() ||
		got.issuers.len() != want.issuers.len() {
		t.Errorf("%s image has other indexes", what)
	}
}

func encoded(img *Image) []byte {
	var b bytes.Buffer
	_ = img.WriteSnapshot(&b) // a buffer takes everything
	return b.Bytes()
}

func TestRandomCommands(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{cluster: boot(rt, 2), rt: rt, next: 10}
		m.t = rt
		frozen, bytesThen := m.img, encoded(m.img)
		for range rapid.IntRange(1, 80).Draw(rt, "steps") {
			m.step()
			if m.rarely("freeze", 10) {
				frozen, bytesThen = m.img, encoded(m.img)
			}
		}
		if !bytes.Equal(encoded(frozen), bytesThen) {
			rt.Error("an image changed after it was made")
		}
		again, err := ReadSnapshot(bytes.NewReader(encoded(m.img)))
		if err != nil {
			rt.Fatal(err)
		}
		checkInvariants(rt, again)
		checkSameImage(rt, "the restored", again, m.img)
	})
}
