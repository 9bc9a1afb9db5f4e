package batch

import (
	"math"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestEmptyBatch(t *testing.T) {
	for _, test := range []struct{ base, next, want int64 }{
		{0, 1, 1}, {20, 30, 30}, {7, 7 + math.MaxInt32 + 1, 7 + math.MaxInt32 + 1}, {7, 1 << 40, 7 + math.MaxInt32 + 1},
	} {
		raw := AppendEmpty([]byte("before"), test.base, test.next, 3)[len("before"):]
		it := NewIter(raw, TailStrict)
		if !it.Next() || it.Header().NextOffset() != test.want || it.Header().PartitionLeaderEpoch != 3 || it.Header().HasProducerID() {
			t.Fatalf("from %d to %d: %+v, %v", test.base, test.next, it.Header(), it.Err())
		}
		if err := CheckCRC(it.Batch(), it.Header()); err != nil {
			t.Error(err)
		}
		rs, err := OpenRecords(it.Batch(), nil, 0)
		if err != nil || rs.Next() || rs.Err() != nil {
			t.Errorf("records: %v, %v", err, rs.Err())
		}
		var client kmsg.RecordBatch
		if err := client.ReadFrom(raw); err != nil || client.NumRecords != 0 || int(client.Length) != len(raw)-12 {
			t.Errorf("as a client reads it: %+v, %v", client, err)
		}
	}
}
