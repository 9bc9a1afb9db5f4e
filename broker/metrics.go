package broker

import (
	"fmt"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/broker/server"
)

// latencyBounds are the histogram's upper bounds in seconds: from what a
// durable write on local NVMe takes to what a client gives up after.
var latencyBounds = []float64{
	50e-6, 100e-6, 150e-6, 200e-6, 300e-6, 400e-6, 600e-6, 800e-6,
	1e-3, 1.5e-3, 2e-3, 3e-3, 5e-3, 7.5e-3, 10e-3, 20e-3, 50e-3,
	0.1, 0.2, 0.5, 1, 2, 5, 10, 30,
}

// apiMetrics are the series of one API.
type apiMetrics struct {
	requestBytes, responseBytes *metrics.Counter
	latency                     *metrics.PrometheusHistogram
}

// Observer returns a function for [server.Config].Observe that counts requests
// by API in set: how many and how long (seawall_request_seconds), and bytes in
// and out (seawall_request_bytes_total, seawall_response_bytes_total). Register
// all APIs before.
func (r *Registry) Observer(set *metrics.Set) func(server.Sample) {
	byKey := make(map[int16]*apiMetrics)
	add := func(reg *registration) {
		label := fmt.Sprintf("{api=%q}", apiName(reg.Key))
		byKey[reg.Key] = &apiMetrics{
			requestBytes:  set.NewCounter("seawall_request_bytes_total" + label),
			responseBytes: set.NewCounter("seawall_response_bytes_total" + label),
			latency:       set.NewPrometheusHistogramExt("seawall_request_seconds"+label, latencyBounds),
		}
	}
	for _, reg := range r.public {
		if reg != nil {
			add(reg)
		}
	}
	for _, reg := range r.private {
		add(reg)
	}
	return func(s server.Sample) {
		m := byKey[s.Key]
		m.requestBytes.Add(s.RequestBytes)
		m.responseBytes.Add(s.ResponseBytes)
		m.latency.Update(s.Latency.Seconds())
	}
}

// apiName is the name of an API for logs and metrics.
func apiName(key int16) string {
	if name := peer.NameForKey(key); name != "" {
		return name
	}
	return kmsg.NameForKey(key)
}
