package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// endpointControllers is the endpoint type of a description of controllers.
const endpointControllers = 2

// describeCluster is DescribeCluster on a controller's listener, for tools that
// know controllers alone (KIP-919): it describes the voters, as brokers are
// elsewhere. Asked for brokers it is MISMATCHED_ENDPOINT_TYPE.
func (c *controllers) describeCluster(_ *Ctx, req *kmsg.DescribeClusterRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeClusterResponse)
	resp.EndpointType = endpointControllers
	resp.ClusterAuthorizedOperations = operationsNotAsked
	if req.EndpointType != endpointControllers {
		err := refuse(kerr.MismatchedEndpointType, "The request was sent to a controller endpoint.")
		resp.ErrorCode, resp.ErrorMessage = CodeOf(err), messageOf(err)
		return resp
	}
	resp.ClusterID = c.ClusterID.String()
	if req.IncludeClusterAuthorizedOperations {
		resp.ClusterAuthorizedOperations = clusterOperations
	}
	q := c.Controller.Quorum()
	resp.ControllerID = int32(q.Leader)
	for _, v := range q.Voters {
		if n, ok := c.voterListener(v.Voter); ok {
			rb := kmsg.NewDescribeClusterResponseBroker()
			rb.NodeID, rb.Host, rb.Port = n.NodeID, n.Listeners[0].Host, int32(n.Listeners[0].Port)
			resp.Brokers = append(resp.Brokers, rb)
		}
	}
	return resp
}
