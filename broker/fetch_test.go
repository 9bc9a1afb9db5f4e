package broker

import (
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/ids"
)

// fetchFrom is a request for partitions of one topic, each from an offset.
func fetchFrom(version int16, id ids.TopicID, topic string, offsets map[int32]int64) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxWaitMillis, req.MinBytes, req.MaxBytes = version, 10_000, 1, 1<<20
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = topic, id
	for _, index := range sortedKeys(offsets) {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = index, offsets[index], 1<<20
		rt.Partitions = append(rt.Partitions, p)
	}
	req.Topics = append(req.Topics, rt)
	return req
}

// recordOffsets are the offsets of the first and behind the last record of
// batches that follow each other.
func recordOffsets(t testing.TB, raw []byte) (first, end int64, batches int) {
	t.Helper()
	it := batch.NewIter(raw, batch.TailStrict)
	for it.Next() {
		if batches++; batches == 1 {
			first = it.Header().BaseOffset
		} else if it.Header().BaseOffset != end {
			t.Errorf("a batch at %d after one that ends at %d", it.Header().BaseOffset, end)
		}
		end = it.Header().NextOffset()
	}
	if err := it.Err(); err != nil {
		t.Error(err)
	}
	return first, end, batches
}

func TestFetchInEveryVersion(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 1, 1, 1, 2)
	for range 3 {
		produceOne(b, "t", records(2))
	}
	c := b.dial()
	for v := int16(fetchMinVersion); v <= fetchMaxVersion; v++ {
		req := fetchFrom(v, id, "t", map[int32]int64{0: 3, 1: 0, 2: 5, 3: 0, 7: 0})
		if v >= 9 {
			req.Topics[0].Partitions[1].CurrentLeaderEpoch = 9
		}
		c.send(req)
		resp := c.receive(req).(*kmsg.FetchResponse)
		if resp.ErrorCode != 0 || len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 5 {
			t.Fatalf("v%d: %+v", v, resp)
		}
		if v >= 13 && resp.Topics[0].TopicID != id || v < 13 && resp.Topics[0].Topic != "t" {
			t.Errorf("v%d: topic %q %x", v, resp.Topics[0].Topic, resp.Topics[0].TopicID)
		}
		ps := resp.Topics[0].Partitions
		if first, end, n := recordOffsets(t, ps[0].RecordBatches); first != 2 || end != 6 || n != 2 {
			t.Errorf("v%d: %d batches for [%d, %d), want the one with offset 3 and the next", v, n, first, end)
		}
		start := int64(0)
		if v < 5 {
			start = -1
		}
		if ps[0].HighWatermark != 6 || ps[0].LastStableOffset != 6 || ps[0].LogStartOffset != start || ps[0].PreferredReadReplica != -1 {
			t.Errorf("v%d: %+v", v, ps[0])
		}
		want := []int16{0, 0, kerr.OffsetOutOfRange.Code, kerr.NotLeaderForPartition.Code, kerr.UnknownTopicOrPartition.Code}
		if v >= 9 {
			want[1] = kerr.UnknownLeaderEpoch.Code
		}
		for i, p := range ps {
			if p.ErrorCode != want[i] || i > 0 && len(p.RecordBatches) != 0 {
				t.Errorf("v%d: partition %d: %v, want %v", v, p.Partition, kerr.ErrorForCode(p.ErrorCode), kerr.ErrorForCode(want[i]))
			}
		}
	}
}

func TestFetchUnknownTopic(t *testing.T) {
	b := newTestBroker(t, nil)
	for v, want := range map[int16]int16{12: kerr.UnknownTopicOrPartition.Code, 13: kerr.UnknownTopicID.Code} {
		resp := ask[*kmsg.FetchResponse](b, fetchFrom(v, ids.TopicID{0xee}, "none", map[int32]int64{0: 0}))
		if got := resp.Topics[0].Partitions[0].ErrorCode; got != want {
			t.Errorf("v%d: %v", v, kerr.ErrorForCode(got))
		}
	}
}

// The first batch comes even if it is over the limits, and none after it.
func TestFetchLimits(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1, 1)
	for range 4 {
		produceOne(b, "t", records(3))
	}
	size := int32(len(records(3)))
	ask[*kmsg.ProduceResponse](b, produceTo(9, ids.TopicID{}, "t", map[int32][]byte{1: records(3)}))
	for _, c := range []struct {
		what                string
		maxBytes, partBytes int32
		want                []int // batches of each partition
	}{
		{"no limit", 1 << 20, 1 << 20, []int{4, 1}},
		{"all in one byte", 1, 1 << 20, []int{1, 0}},
		{"each in one byte", 1 << 20, 1, []int{1, 0}},
		{"nothing at all", 0, 0, []int{1, 0}},
		{"negative", -1, -1, []int{1, 0}},
		{"two and a half batches", size*5/2 + 1, 1 << 20, []int{2, 0}},
		{"two and a half batches of each", 1 << 20, size*5/2 + 1, []int{2, 1}},
	} {
		req := fetchFrom(12, ids.TopicID{}, "t", map[int32]int64{0: 0, 1: 0})
		req.MaxBytes = c.maxBytes
		for i := range req.Topics[0].Partitions {
			req.Topics[0].Partitions[i].PartitionMaxBytes = c.partBytes
		}
		for i, p := range ask[*kmsg.FetchResponse](b, req).Topics[0].Partitions {
			if _, _, n := recordOffsets(t, p.RecordBatches); n != c.want[i] {
				t.Errorf("%s: partition %d gave %d batches, want %d", c.what, i, n, c.want[i])
			}
		}
	}
}

func TestFetchByReplicaIsRefused(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1)
	for v := int16(4); v <= 15; v += 11 {
		req := fetchFrom(v, ids.TopicID{}, "t", map[int32]int64{0: 0})
		req.ReplicaID, req.ReplicaState.ID = 2, 2
		resp := ask[*kmsg.FetchResponse](b, req)
		if len(resp.Topics) != 0 || v >= 7 && resp.ErrorCode != kerr.NotLeaderForPartition.Code {
			t.Errorf("v%d: %+v", v, resp)
		}
	}
}

// A fetch at the end waits, and is answered once min bytes are there.
func TestFetchWaitsForMinBytes(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1, 1)
	c := b.dial()
	req := fetchFrom(12, ids.TopicID{}, "t", map[int32]int64{0: 0, 1: 0})
	one := records(1)
	req.MinBytes = int32(2 * len(one))
	c.send(req)
	answered := make(chan *kmsg.FetchResponse)
	go func() { answered <- c.receive(req).(*kmsg.FetchResponse) }()
	produceOne(b, "t", one)
	select {
	case resp := <-answered:
		t.Fatalf("answered with too little: %+v", resp)
	default:
	}
	ask[*kmsg.ProduceResponse](b, produceTo(9, ids.TopicID{}, "t", map[int32][]byte{1: records(1)}))
	for _, p := range (<-answered).Topics[0].Partitions {
		if _, _, n := recordOffsets(t, p.RecordBatches); n != 1 || p.ErrorCode != 0 {
			t.Errorf("%+v", p)
		}
	}
}

func TestFetchWaitEnds(t *testing.T) {
	for what, end := range map[string]func(*testBroker, *kmsg.FetchRequest){
		"its time is up":         func(_ *testBroker, req *kmsg.FetchRequest) { req.MaxWaitMillis = 20 },
		"it does not want any":   func(_ *testBroker, req *kmsg.FetchRequest) { req.MaxWaitMillis = 0 },
		"min bytes are none":     func(_ *testBroker, req *kmsg.FetchRequest) { req.MinBytes = 0 },
		"the broker stops":       func(b *testBroker, _ *kmsg.FetchRequest) { b.stop() },
		"it is about nothing":    func(_ *testBroker, req *kmsg.FetchRequest) { req.Topics = nil },
		"a partition has errors": func(_ *testBroker, req *kmsg.FetchRequest) { req.Topics[0].Partitions[0].FetchOffset = 99 },
	} {
		t.Run(what, func(t *testing.T) {
			b := newTestBroker(t, nil)
			b.topic("t", 1)
			req := fetchFrom(12, ids.TopicID{}, "t", map[int32]int64{0: 0})
			req.MaxWaitMillis = 60_000
			end(b, req)
			if resp := ask[*kmsg.FetchResponse](b, req); resp.ErrorCode != 0 {
				t.Errorf("%+v", resp)
			}
		})
	}
	t.Run("the topic is deleted", func(t *testing.T) {
		b := newTestBroker(t, nil)
		b.topic("t", 1)
		c := b.dial()
		req := fetchFrom(12, ids.TopicID{}, "t", map[int32]int64{0: 0})
		req.MaxWaitMillis = 60_000
		c.send(req)
		del := kmsg.NewPtrDeleteTopicsRequest()
		del.Version, del.TopicNames = 5, []string{"t"}
		ask[*kmsg.DeleteTopicsResponse](b, del)
		if p := c.receive(req).(*kmsg.FetchResponse).Topics[0].Partitions[0]; p.ErrorCode != kerr.UnknownTopicOrPartition.Code {
			t.Errorf("%+v", p)
		}
	})
	t.Run("its client is gone", func(t *testing.T) {
		b := newTestBroker(t, nil)
		b.topic("t", 1)
		c := b.dial()
		req := fetchFrom(12, ids.TopicID{}, "t", map[int32]int64{0: 0})
		req.MaxWaitMillis, req.SessionEpoch = 60_000, sessionEpochInitial
		c.send(req)
		_ = c.Close()
		// Its session is free again once the wait ended.
		waitUntil(t, "the fetch gives up its session", func() bool {
			b.sessions.mu.Lock()
			defer b.sessions.mu.Unlock()
			for _, s := range b.sessions.byID {
				if s.mu.TryLock() {
					s.mu.Unlock()
					return true
				}
			}
			return false
		})
	})
}

// History that left memory is read from the log's device, off the reader.
func TestFetchOfHistory(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1)
	big := batch.NewBuilder()
	big.Add(time.Now().UnixMilli(), nil, make([]byte, 700<<10))
	const batches = 9 // more than the log cache has pages for
	for range batches {
		produceOne(b, "t", big.AppendTo(nil))
	}
	for next := int64(0); next < batches; {
		resp := ask[*kmsg.FetchResponse](b, fetchFrom(12, ids.TopicID{}, "t", map[int32]int64{0: next}))
		p := resp.Topics[0].Partitions[0]
		first, end, n := recordOffsets(t, p.RecordBatches)
		if p.ErrorCode != 0 || n == 0 || first != next {
			t.Fatalf("from %d: %d batches at %d, error %d", next, n, first, p.ErrorCode)
		}
		next = end
	}
}

func TestFetchSessionsEndToEnd(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 1, 1, 1)
	produceOne(b, "t", records(1))
	c := b.dial()
	fetch := func(req *kmsg.FetchRequest, session, epoch int32) *kmsg.FetchResponse {
		t.Helper()
		req.SessionID, req.SessionEpoch, req.MaxWaitMillis = session, epoch, 50
		c.send(req)
		return c.receive(req).(*kmsg.FetchResponse)
	}
	indexes := func(resp *kmsg.FetchResponse) (got []int32) {
		for _, rt := range resp.Topics {
			for _, p := range rt.Partitions {
				got = append(got, p.Partition)
			}
		}
		return got
	}
	none := func() *kmsg.FetchRequest { r := fetchFrom(17, id, "", nil); r.Topics = nil; return r }

	opened := fetch(fetchFrom(17, id, "", map[int32]int64{0: 0, 1: 0, 2: 0}), 0, 0)
	session := opened.SessionID
	if session == 0 || len(indexes(opened)) != 3 {
		t.Fatalf("opened: %+v", opened)
	}
	// Nothing changed but that 0 has data still; then it moves on.
	if got := indexes(fetch(none(), session, 1)); len(got) != 1 || got[0] != 0 {
		t.Errorf("unchanged: %v", got)
	}
	if resp := fetch(fetchFrom(17, id, "", map[int32]int64{0: 1}), session, 2); len(resp.Topics) != 0 || resp.SessionID != session {
		t.Errorf("moved to the end: %+v", resp)
	}
	ask[*kmsg.ProduceResponse](b, produceTo(9, ids.TopicID{}, "t", map[int32][]byte{2: records(2)}))
	if got := indexes(fetch(none(), session, 3)); len(got) != 1 || got[0] != 2 {
		t.Errorf("2 has data: %v", got)
	}
	forget := none()
	forget.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{{TopicID: id, Partitions: []int32{2}}}
	if got := indexes(fetch(forget, session, 4)); len(got) != 0 {
		t.Errorf("2 is forgotten: %v", got)
	}
	if resp := fetch(none(), session, 4); resp.ErrorCode != kerr.InvalidFetchSessionEpoch.Code {
		t.Errorf("an epoch again: %+v", resp)
	}
	if resp := fetch(none(), session+1, 1); resp.ErrorCode != kerr.FetchSessionIDNotFound.Code {
		t.Errorf("another session: %+v", resp)
	}
	if resp := fetch(fetchFrom(12, id, "t", nil), session, 5); resp.ErrorCode != kerr.FetchSessionTopicIDError.Code {
		t.Errorf("by name in a session by id: %+v", resp)
	}
	forget.ForgottenTopics[0].Partitions = []int32{0, 1}
	if resp := fetch(forget, session, 5); resp.SessionID != 0 || resp.ErrorCode != 0 {
		t.Errorf("an empty session: %+v", resp)
	}
	if resp := fetch(none(), session, 6); resp.ErrorCode != kerr.FetchSessionIDNotFound.Code {
		t.Errorf("after its end: %+v", resp)
	}
	closing := fetch(fetchFrom(17, id, "", map[int32]int64{1: 0}), fetch(fetchFrom(17, id, "", map[int32]int64{1: 0}), 0, 0).SessionID, -1)
	if closing.SessionID != 0 || len(indexes(closing)) != 1 || len(b.sessions.byID) != 0 {
		t.Errorf("closing: %+v", closing)
	}
}

// Producers and consumers at once, with waits, wakes and time-outs mixed.
func TestFetchConcurrently(t *testing.T) {
	b := newTestBroker(t, nil)
	const consumers, batches = 6, 80
	b.topic("t", 1, 1)
	var wg sync.WaitGroup
	for i := range consumers {
		wg.Go(func() {
			c := b.dial()
			next := map[int32]int64{0: 0, 1: 0}
			for next[0]+next[1] < 2*batches {
				req := fetchFrom(12, ids.TopicID{}, "t", next)
				req.MaxWaitMillis, req.MinBytes = int32(i), int32(1+i*30)
				c.send(req)
				for _, p := range c.receive(req).(*kmsg.FetchResponse).Topics[0].Partitions {
					first, end, n := recordOffsets(t, p.RecordBatches)
					if p.ErrorCode != 0 || n > 0 && first != next[p.Partition] {
						t.Errorf("consumer %d: %d batches at %d, error %d, want %d", i, n, first, p.ErrorCode, next[p.Partition])
						return
					}
					if n > 0 {
						next[p.Partition] = end
					}
				}
			}
		})
	}
	for i := range batches {
		ask[*kmsg.ProduceResponse](b, produceTo(9, ids.TopicID{}, "t", map[int32][]byte{0: records(1), 1: records(1)}))
		if i%20 == 19 { // a client that leaves amid its wait
			c := b.dial()
			c.send(fetchFrom(12, ids.TopicID{}, "t", map[int32]int64{0: int64(i + 1)}))
			_ = c.Close()
		}
	}
	wg.Wait()
}

func TestMalformedRequestsCloseTheConnection(t *testing.T) {
	b := newTestBroker(t, nil)
	for key, body := range map[int16][]byte{
		0: {0, 1, 'x'},              // produce, cut short
		1: {0, 0, 0, 1, 0, 0, 0},    // fetch, cut short
		3: {0x7f, 0xff, 0xff, 0xff}, // metadata for two billion topics
	} {
		c := b.dial()
		frame := append([]byte{0, 0, 0, byte(len(body) + 10), byte(key >> 8), byte(key), 0, 4, 0, 0, 0, 1, 0, 0}, body...)
		if _, err := c.Write(frame); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.frame(false); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("API %d: %v, want a closed connection", key, err)
		}
	}
}
