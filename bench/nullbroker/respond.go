package nullbroker

import (
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// versions are the newest that are answered. Produce stays below topic ids.
var versions = map[kmsg.Key]int16{
	kmsg.Produce:        9,
	kmsg.Metadata:       9,
	kmsg.ApiVersions:    3,
	kmsg.CreateTopics:   5,
	kmsg.InitProducerID: 4,
}

// respond makes the response to a request; nil for none.
func (b *Broker) respond(req kmsg.Request) kmsg.Response {
	switch req := req.(type) {
	case *kmsg.ApiVersionsRequest:
		return apiVersions(req)
	case *kmsg.MetadataRequest:
		return b.metadata(req)
	case *kmsg.InitProducerIDRequest:
		resp := req.ResponseKind().(*kmsg.InitProducerIDResponse)
		resp.ProducerID = 1
		return resp
	case *kmsg.CreateTopicsRequest:
		return createTopics(req)
	case *kmsg.ProduceRequest:
		return produce(req)
	}
	return nil
}

func apiVersions(req *kmsg.ApiVersionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ApiVersionsResponse)
	for key, version := range versions {
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MaxVersion = key.Int16(), version
		resp.ApiKeys = append(resp.ApiKeys, k)
	}
	return resp
}

func (b *Broker) metadata(req *kmsg.MetadataRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.MetadataResponse)
	host, port, _ := net.SplitHostPort(b.Addr())
	broker := kmsg.NewMetadataResponseBroker()
	n, _ := strconv.Atoi(port)
	broker.NodeID, broker.Host, broker.Port = 1, host, int32(n)
	resp.Brokers = append(resp.Brokers, broker)
	resp.ControllerID = 1
	for _, asked := range req.Topics {
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic = asked.Topic
		for i := range b.partitions {
			p := kmsg.NewMetadataResponseTopicPartition()
			p.Partition, p.Leader, p.Replicas, p.ISR = i, 1, []int32{1}, []int32{1}
			topic.Partitions = append(topic.Partitions, p)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

func createTopics(req *kmsg.CreateTopicsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
	for _, asked := range req.Topics {
		topic := kmsg.NewCreateTopicsResponseTopic()
		topic.Topic = asked.Topic
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

func produce(req *kmsg.ProduceRequest) kmsg.Response {
	if req.Acks == 0 {
		return nil
	}
	resp := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, asked := range req.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic = asked.Topic
		for _, p := range asked.Partitions {
			answer := kmsg.NewProduceResponseTopicPartition()
			answer.Partition = p.Partition
			topic.Partitions = append(topic.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}
