package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeCluster (key 60)
//
// Behavior:
//   - As in Metadata: brokers by id on the listener that the client came by;
//     the controller is the broker asked, or another one that is alive.
//   - Only brokers are described; asked for controllers it is
//     MISMATCHED_ENDPOINT_TYPE, as from a broker of Kafka's. Controllers are
//     described on their own listener.
//
// Versions:
//   - 1: endpoint type. 2: fenced brokers too, if asked for.

// endpointBrokers is the endpoint type of a description of brokers.
const endpointBrokers = 1

func (b *Broker) describeCluster(c *Ctx, req *kmsg.DescribeClusterRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeClusterResponse)
	resp.EndpointType = endpointBrokers
	resp.ClusterAuthorizedOperations = operationsNotAsked
	if req.Version >= 1 && req.EndpointType != endpointBrokers {
		err := refuse(kerr.MismatchedEndpointType, "The request was sent to a broker endpoint.")
		resp.ErrorCode, resp.ErrorMessage = CodeOf(err), messageOf(err)
		return resp
	}
	resp.ClusterID = b.ClusterID
	if req.IncludeClusterAuthorizedOperations {
		resp.ClusterAuthorizedOperations = clusterOperations
	}
	v := b.view(c)
	resp.ControllerID = controllerAmong(v.brokers(false), int32(b.Node))
	for _, n := range v.brokers(req.IncludeFencedBrokers) {
		rb := kmsg.NewDescribeClusterResponseBroker()
		rb.NodeID, rb.Host, rb.Port, rb.Rack, rb.IsFenced = n.id, n.host, n.port, n.rack, n.fenced
		resp.Brokers = append(resp.Brokers, rb)
	}
	return resp
}
