package image

import (
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
)

// TestSizeDoesNotGrowWithBatches: an upload costs the same however many
// batches and offsets it brings, and what was uploaded and trimmed costs
// nothing.
func TestSizeDoesNotGrowWithBatches(t *testing.T) {
	// rounds uploads stream 1 n times, batches offsets at a time.
	rounds := func(c *cluster, n, batches int64) {
		for range n {
			from := c.stream(1).CommittedEnd
			c.upload(1, 1, 0, StreamObject, Slice{0, 1, 1, from, from + batches, 100 * batches})
		}
	}
	sizes := func(c *cluster) Sizes { // without lengths of varints
		s := c.img.Sizes()
		s.SnapshotBytes = 0
		return s
	}
	few, many := boot(t, 1), boot(t, 1)
	for c, batches := range map[*cluster]int64{few: 1, many: 100_000} {
		c.open(1, 1, OpenStream{1, 0})
		rounds(c, 10, batches)
	}
	if a, b := sizes(few), sizes(many); a != b {
		t.Errorf("10 uploads of 1 batch each: %+v\nof 100,000 batches: %+v", a, b)
	}
	if a, b := few.img.Sizes().SnapshotBytes, many.img.Sizes().SnapshotBytes; b > a+10*16 {
		t.Errorf("10 uploads of 1 batch each take %d bytes, of 100,000 %d", a, b)
	}

	// Trimming all but the last upload and deleting the objects gives back
	// everything, round after round.
	settle := func(c *cluster) {
		s := c.stream(1)
		do(c, &TrimStreams{Node: 1, NodeEpoch: 1, Streams: []StreamStart{{1, 1, s.CommittedEnd - 1}}})
		var gone []ids.ObjectID
		for o := range c.img.Unsettled() {
			gone = append(gone, o.ID)
		}
		do(c, &ObjectsDeleted{Node: 1, NodeEpoch: 1, Passed: c.index, Objects: gone})
	}
	settle(many)
	want, wantBytes := sizes(many), many.img.Sizes().SnapshotBytes
	for range 20 {
		rounds(many, 50, 1000)
		settle(many)
	}
	if got := sizes(many); got != want || got.Ranges != 1 || got.Objects != 1 {
		t.Errorf("after 1,000 uploads and as many deletions: %+v, at first %+v", got, want)
	}
	if got := many.img.Sizes().SnapshotBytes; got > wantBytes+64 {
		t.Errorf("the snapshot grew from %d to %d bytes", wantBytes, got)
	}
}

// TestRetriesGetTheFirstAnswer: also when the command would be refused now,
// and also when it was refused at first.
func TestRetriesGetTheFirstAnswer(t *testing.T) {
	c := boot(t, 1)
	open := c.next(&OpenWAL{Node: 1, NodeEpoch: 1, Instance: uuid(5), Kind: "exclusive", Location: "x"})
	first := c.apply(open)
	wrong := c.next(&OpenWAL{Node: 1, NodeEpoch: 1, Instance: uuid(5)})
	wrong.AckedBelow = open.ID.Sequence
	refused := c.apply(wrong)
	if first.Refusal != nil || refused.Refusal == nil || refused.Refusal.Reason != DuplicateWAL {
		t.Fatalf("answers %+v and %+v", first, refused)
	}
	for req, want := range map[*Request]*Answer{open: first, wrong: refused} {
		got := c.apply(req)
		if got.Index != want.Index || (got.Refusal == nil) != (want.Refusal == nil) {
			t.Errorf("a retry got %+v, the first answer was %+v", got, want)
		}
	}
	other := &Request{ID: open.ID, AckedBelow: open.AckedBelow, Command: &DeleteTopics{}}
	if a := c.apply(other); a.Refusal == nil || a.Refusal.Reason != InvalidCommand {
		t.Errorf("another command under the same id: %+v", a)
	}

	// Once its issuer has the answer, a retry cannot be told from a command
	// that never arrived, and is refused.
	c.apply(c.next(&DeleteTopics{}))
	if a := c.apply(open); a.Refusal == nil || a.Refusal.Reason != Forgotten {
		t.Errorf("a retry after the acknowledgement: %+v", a)
	}
	far := c.next(&DeleteTopics{})
	far.ID.Sequence += AnswerWindow
	if a := c.apply(far); a.Refusal == nil || a.Refusal.Reason != OutOfWindow {
		t.Errorf("far past the window: %+v", a)
	}
}

// TestIssuersAreForgotten: those of dead incarnations at once, others when
// there are too many.
func TestIssuersAreForgotten(t *testing.T) {
	c := boot(t, 1)
	for i := range maxIssuers + 50 {
		c.issuer, c.sequence = ids.UUID{1, byte(i >> 8), byte(i)}, 0
		do(c, &DeleteTopics{})
	}
	if n := c.img.issuers.len(); n > maxIssuers {
		t.Errorf("%d issuers are remembered", n)
	}
	c.issuer, c.sequence = uuid(102), 0
	c.register(2)
	c.issuer, c.sequence = uuid(103), 0
	c.register(3)
	if _, ok := c.img.issuers.get(uuid(102)); ok {
		t.Error("the answers of an incarnation that is gone are kept")
	}
	checkInvariants(t, c.img)
	checkSameImage(t, "the observer's", c.follower, c.img)
}

func TestTopicNames(t *testing.T) {
	c := boot(t, 1)
	create := func(name string) *Refusal {
		t.Helper()
		c.sequence++
		id := ids.UUID{9, byte(c.sequence)}
		return do(c, &CreateTopics{[]NewTopic{{name, id, []ids.NodeID{NoLeader}, nil}}}).Topics[0].Refused
	}
	long := make([]byte, MaxTopicNameBytes)
	for i := range long {
		long[i] = 'x'
	}
	for name, want := range map[string]Reason{
		"": InvalidTopicName, ".": InvalidTopicName, "..": InvalidTopicName, "a b": InvalidTopicName,
		"é": InvalidTopicName, string(long) + "x": InvalidTopicName, "t": TopicExists,
		"A.b-c_9": NotRefused, "...": NotRefused, string(long): NotRefused,
	} {
		got := NotRefused
		if r := create(name); r != nil {
			got = r.Reason
		}
		if got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
	if r := create("A_b-c.9"); r == nil || r.Reason != TopicExists {
		t.Errorf("a name that differs in . and _ only: %v", r)
	}
	if _, ok := c.img.TopicByName("A_b-c.9"); ok {
		t.Error("a topic is found under a name that only collides with its own")
	}
}

func TestConfigs(t *testing.T) {
	c := boot(t, 1)
	topic, broker := TopicConfigOf("t"), BrokerConfigOf(1)
	alter := func(changes ...ConfigChange) { t.Helper(); do(c, &AlterConfigs{changes}) }
	alter(ConfigChange{topic, SetConfig, "cleanup.policy", "delete"},
		ConfigChange{topic, AppendConfig, "cleanup.policy", "compact,delete"},
		ConfigChange{broker, SetConfig, "x", "1"}, ConfigChange{broker, SetConfig, "y", "2"})
	if v, _ := c.img.Config(topic, "cleanup.policy"); v != "delete,compact" {
		t.Errorf("appended: %q", v)
	}
	alter(ConfigChange{topic, SubtractConfig, "cleanup.policy", "delete"}, ConfigChange{broker, DeleteConfig, "x", ""})
	if v, _ := c.img.Config(topic, "cleanup.policy"); v != "compact" {
		t.Errorf("subtracted: %q", v)
	}
	if _, ok := c.img.Config(broker, "x"); ok {
		t.Error("x is not deleted")
	}
	alter(ConfigChange{broker, ClearConfigs, "", ""})
	c.refused(UnknownTopic, &AlterConfigs{[]ConfigChange{
		{broker, SetConfig, "z", "1"}, {TopicConfigOf("none"), SetConfig, "z", "1"}}})
	do(c, &DeleteTopics{[]ids.TopicID{uuid(7)}})
	if n := c.img.Sizes().Configs; n != 0 {
		t.Errorf("%d properties are left", n)
	}
}
