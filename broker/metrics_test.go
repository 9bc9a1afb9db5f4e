package broker

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/broker/server"
)

func TestObserver(t *testing.T) {
	set := metrics.NewSet()
	observe := testRegistry().Observer(set)
	observe(server.Sample{Key: 0, RequestBytes: 100, ResponseBytes: 40, Latency: 70 * time.Microsecond})
	observe(server.Sample{Key: 0, RequestBytes: 100, ResponseBytes: 40, Latency: 10 * time.Millisecond})
	observe(server.Sample{Key: peer.KeyMetaSubmit, RequestBytes: 7})
	var out bytes.Buffer
	set.WritePrometheus(&out)
	for _, line := range []string{
		`seawall_request_bytes_total{api="Produce"} 200`,
		`seawall_response_bytes_total{api="Produce"} 80`,
		`seawall_request_seconds_bucket{api="Produce",le="5e-05"} 0`,
		`seawall_request_seconds_bucket{api="Produce",le="0.0001"} 1`,
		`seawall_request_seconds_count{api="Produce"} 2`,
		`seawall_request_bytes_total{api="MetaSubmit"} 7`,
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("metrics lack %s", line)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}
