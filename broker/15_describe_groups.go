package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// DescribeGroups (key 15)
//
// Behavior:
//   - Describes the groups asked for, their members and what these are assigned.
//   - Without an authorizer all operations are authorized.
//
// Versions:
//   - 3: authorized operations. 4: static members. 5: flexible. 6: an unknown
//     group is GROUP_ID_NOT_FOUND; before, it is Dead.

func (b *Broker) describeGroups(c *Ctx, req *kmsg.DescribeGroupsRequest, t Ticket) {
	b.askGroups(c, req, t, func(resp kmsg.Response) {
		groups := resp.(*kmsg.DescribeGroupsResponse).Groups
		for i := range groups {
			groups[i].AuthorizedOperations = operationsNotAsked
			if req.IncludeAuthorizedOperations && groups[i].ErrorCode == 0 {
				groups[i].AuthorizedOperations = groupOperations
			}
		}
	})
}
