package broker

import (
	"bytes"
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/broker/partition"
)

// producedBatch is a batch of one record of n bytes.
func producedBatch(n int) []byte {
	b := batch.NewBuilder()
	b.Add(1, nil, bytes.Repeat([]byte{'x'}, n))
	return b.AppendTo(nil)
}

// produceTo appends one record of n bytes to partition 0 of a topic.
func (b *testBroker) produceTo(topic string, n int) {
	b.t.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 9, -1, 10_000
	t, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	t.Topic, p.Records = topic, producedBatch(n)
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp := ask[*kmsg.ProduceResponse](b, req)
	if code := resp.Topics[0].Partitions[0].ErrorCode; code != 0 {
		b.t.Fatalf("produce to %s: code %d", topic, code)
	}
}

// withHistory makes two topics: of "old" the beginning is not in memory any
// more, of "new" all is. The request reads both from the beginning.
func (b *testBroker) withHistory() *kmsg.FetchRequest {
	b.t.Helper()
	b.topic("old", 1)
	b.topic("new", 1)
	for range 5 {
		b.produceTo("old", 900<<10) // more than the log cache has pages
	}
	b.produceTo("new", 10)
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes, req.MinBytes, req.MaxWaitMillis = 12, 4<<20, 1, 10_000
	for _, name := range []string{"new", "old"} {
		t, p := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
		p.PartitionMaxBytes, p.CurrentLeaderEpoch = 1<<20, -1
		t.Topic, t.Partitions = name, append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	p, err := b.Partitions.ByName([]byte("old"), 0)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, missed, err := p.Fetch(context.Background(), 0, partition.FetchOptions{MaxBytes: 1}); !missed || err != nil {
		b.t.Fatalf("the beginning is still in memory: %v, %v", missed, err)
	}
	return req
}

// bytesOf is how many bytes of records the answer has of a topic.
func bytesOf(resp *kmsg.FetchResponse, topic string) (n int) {
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if t.Topic == topic {
				n += len(p.RecordBatches)
			}
		}
	}
	return n
}

// A partition whose data left memory is read although another always has news.
func TestHistoryIsReadBesideNews(t *testing.T) {
	b := newTestBroker(t, nil)
	req := b.withHistory()
	req.SessionEpoch = sessionEpochInitial
	first := ask[*kmsg.FetchResponse](b, req)
	if bytesOf(first, "new") == 0 || bytesOf(first, "old") != 0 || first.SessionID == 0 {
		t.Fatalf("news were held up: %d bytes of them, %d of history", bytesOf(first, "new"), bytesOf(first, "old"))
	}
	req.SessionID, req.SessionEpoch, req.Topics = first.SessionID, 1, nil
	second := ask[*kmsg.FetchResponse](b, req)
	if bytesOf(second, "old") == 0 {
		t.Fatal("history was left out a second time")
	}
}

// A consumer that does not wait, or has no session, gets its history too.
func TestHistoryIsReadWithoutWaitOrSession(t *testing.T) {
	b := newTestBroker(t, nil)
	req := b.withHistory()
	req.SessionEpoch = sessionEpochFinal
	if resp := ask[*kmsg.FetchResponse](b, req); bytesOf(resp, "old") == 0 {
		t.Error("no history without a session")
	}
	req.MinBytes, req.MaxWaitMillis, req.Topics = 0, 0, req.Topics[1:]
	if resp := ask[*kmsg.FetchResponse](b, req); bytesOf(resp, "old") == 0 {
		t.Error("no history without a wait")
	}
}

// While history keeps its readers waiting, what is in memory is answered within
// the fetch's bound.
func TestHistoryThatDoesNotComeHoldsUpNothing(t *testing.T) {
	b := newTestBroker(t, nil)
	req := b.withHistory()
	req.SessionEpoch, req.MaxWaitMillis = sessionEpochFinal, 10
	for range historyReads {
		b.readers <- struct{}{} // all of them wait
	}
	resp := ask[*kmsg.FetchResponse](b, req)
	if bytesOf(resp, "new") == 0 || bytesOf(resp, "old") != 0 {
		t.Errorf("%d bytes of news, %d of history", bytesOf(resp, "new"), bytesOf(resp, "old"))
	}
	for _, topic := range resp.Topics {
		if code := topic.Partitions[0].ErrorCode; code != 0 {
			t.Errorf("%s: code %d", topic.Topic, code)
		}
	}
	for range historyReads {
		<-b.readers
	}
	if resp := ask[*kmsg.FetchResponse](b, req); bytesOf(resp, "old") == 0 {
		t.Error("no history when there is a turn")
	}
}

// A fetch that is used again must not be resumed by the timer of its life
// before, however large it was.
func TestAReleasedFetchIsNotWoken(t *testing.T) {
	f := &fetch{reads: make([]fetchRead, 0, fetchKeep+1)}
	f.woken.Store(true) // by news
	f.Release()
	if !f.woken.Load() {
		t.Fatal("the timer that comes too late would resume it")
	}
}
