package load

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/conformance/oracle/history"
)

// What a broker has done wrong with acknowledged records must be found on the way
// that all suites judge by: from the records as a client reads them.
func TestMistakesOfABrokerAreFound(t *testing.T) {
	const records = 10
	for name, test := range map[string]struct {
		mistake func(log []*kgo.Record) []*kgo.Record
		want    string // in the judgement; empty: nothing wrong
	}{
		"none": {func(log []*kgo.Record) []*kgo.Record { return log }, ""},
		"the last acknowledged record dropped": {func(log []*kgo.Record) []*kgo.Record {
			return log[:records-1]
		}, string(history.Lost)},
		"an acknowledged record dropped, those behind it moved up": {func(log []*kgo.Record) []*kgo.Record {
			return slices.Delete(log, 4, 5)
		}, string(history.TwoOffsets)},
		"an offset left out": {func(log []*kgo.Record) []*kgo.Record {
			log[4] = nil
			return log
		}, string(history.LeftOut)},
		"a record twice": {func(log []*kgo.Record) []*kgo.Record {
			return slices.Insert(log, 5, &kgo.Record{Value: log[4].Value})
		}, string(history.TwoOffsets)},
		"a record again at the end": {func(log []*kgo.Record) []*kgo.Record {
			return append(log, &kgo.Record{Value: log[4].Value})
		}, string(history.TwoOffsets)},
		"two records in the other order": {func(log []*kgo.Record) []*kgo.Record {
			log[4], log[5] = log[5], log[4]
			return log
		}, string(history.TwoOffsets)},
		"a byte turned": {func(log []*kgo.Record) []*kgo.Record {
			log[4].Value[payloadBytesMin-1] ^= 1
			return log
		}, "damaged"},
	} {
		l := &Load{history: history.New(true)}
		var log []*kgo.Record
		for seq := range int64(records) {
			v := history.Value{Producer: 0, Seq: seq}
			l.history.Sent(v, 0)
			l.history.Acked(v, history.Position{Partition: 0, Offset: seq})
			log = append(log, &kgo.Record{Value: payload(v, 100)})
		}
		for offset, r := range test.mistake(log) {
			if r == nil {
				continue
			}
			r.Offset = int64(offset)
			l.noteRead("a reader", r)
		}
		err := errors.Join(Judge(l.history), l.Problem()) // as Verify does
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: judged %v, want %q", name, err, test.want)
		}
	}
}
