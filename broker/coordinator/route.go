package coordinator

import (
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/group"
	"github.com/seawallmq/seawall/internal/invariant"
)

// PartitionFor is the partition of __consumer_offsets that a group belongs to.
func (c *Coordinator) PartitionFor(groupID string) int32 {
	return PartitionFor(groupID, c.cfg.Partitions)
}

// PartitionFor maps a group, or a transactional id, to one of partitions, as
// Kafka does: by the absolute value of Java's hash of the string, where the one
// that has no absolute value counts as 0.
func PartitionFor(id string, partitions int32) int32 {
	var h int32
	for _, r := range id {
		if hi, lo := utf16.EncodeRune(r); hi != '\uFFFD' {
			h = 31*h + hi
			r = lo
		}
		h = 31*h + r
	}
	if h == -1<<31 {
		h = 0
	}
	if h < 0 {
		h = -h
	}
	return h % partitions
}

// route sends a request where its groups are.
func (c *Coordinator) route(r Request, reply func(kmsg.Response)) {
	switch req := r.Req.(type) {
	case *kmsg.JoinGroupRequest:
		c.send(c.PartitionFor(req.Group), r, reply)
	case *kmsg.SyncGroupRequest:
		c.send(c.PartitionFor(req.Group), r, reply)
	case *kmsg.HeartbeatRequest:
		c.send(c.PartitionFor(req.Group), r, reply)
	case *kmsg.LeaveGroupRequest:
		c.send(c.PartitionFor(req.Group), r, reply)
	case *kmsg.OffsetCommitRequest:
		c.send(c.PartitionFor(req.Group), r, reply)
	case *kmsg.OffsetDeleteRequest:
		c.send(c.PartitionFor(req.Group), r, reply)
	case *kmsg.OffsetFetchRequest:
		if len(req.Groups) == 0 { // up to v7
			c.send(c.PartitionFor(req.Group), r, reply)
			return
		}
		c.scatterFetch(r, req, reply)
	case *kmsg.DescribeGroupsRequest:
		c.scatterDescribe(r, req, reply)
	case *kmsg.DeleteGroupsRequest:
		c.scatterDelete(r, req, reply)
	case *kmsg.ListGroupsRequest:
		c.listAll(r, req, reply)
	default:
		invariant.Check(false, "coordinator: no route for %T", r.Req)
	}
}

// share is what of a request with several groups is for one partition.
type share struct {
	partition int32
	positions []int // in the request
}

// divide finds the shares of n groups.
func (c *Coordinator) divide(n int, groupID func(int) string) []share {
	var shares []share
	at := map[int32]int{}
	for i := range n {
		partition := c.PartitionFor(groupID(i))
		k, ok := at[partition]
		if !ok {
			k = len(shares)
			at[partition] = k
			shares = append(shares, share{partition: partition})
		}
		shares[k].positions = append(shares[k].positions, i)
	}
	return shares
}

// scatter sends each share the request that part makes of it, and gathers.
func (c *Coordinator) scatter(r Request, shares []share, part func(share) kmsg.Request, done func([]kmsg.Response)) {
	if len(shares) == 0 {
		done(nil)
		return
	}
	g := gather(len(shares), done)
	for i, s := range shares {
		c.send(s.partition, Request{ClientID: r.ClientID, ClientHost: r.ClientHost, Req: part(s)},
			func(resp kmsg.Response) { g.answer(i, resp) })
	}
}

func (c *Coordinator) scatterFetch(r Request, req *kmsg.OffsetFetchRequest, reply func(kmsg.Response)) {
	part := func(groups []kmsg.OffsetFetchRequestGroup) kmsg.Request {
		sub := *req
		sub.Groups = groups
		return &sub
	}
	answered := func(resp kmsg.Response) *[]kmsg.OffsetFetchResponseGroup {
		return &resp.(*kmsg.OffsetFetchResponse).Groups
	}
	scatterGroups(c, r, req.Groups, func(g kmsg.OffsetFetchRequestGroup) string { return g.Group }, part, answered, reply)
}

func (c *Coordinator) scatterDescribe(r Request, req *kmsg.DescribeGroupsRequest, reply func(kmsg.Response)) {
	part := func(groups []string) kmsg.Request {
		sub := *req
		sub.Groups = groups
		return &sub
	}
	answered := func(resp kmsg.Response) *[]kmsg.DescribeGroupsResponseGroup {
		return &resp.(*kmsg.DescribeGroupsResponse).Groups
	}
	scatterGroups(c, r, req.Groups, func(group string) string { return group }, part, answered, reply)
}

func (c *Coordinator) scatterDelete(r Request, req *kmsg.DeleteGroupsRequest, reply func(kmsg.Response)) {
	part := func(groups []string) kmsg.Request {
		sub := *req
		sub.Groups = groups
		return &sub
	}
	answered := func(resp kmsg.Response) *[]kmsg.DeleteGroupsResponseGroup {
		return &resp.(*kmsg.DeleteGroupsResponse).Groups
	}
	scatterGroups(c, r, req.Groups, func(group string) string { return group }, part, answered, reply)
}

// scatterGroups divides a request by its groups: part makes the request for
// some of them, answered finds the groups of a response, one for each that was
// asked for and in that order. So are those of the reply.
func scatterGroups[Q, A any](c *Coordinator, r Request, groups []Q, id func(Q) string,
	part func([]Q) kmsg.Request, answered func(kmsg.Response) *[]A, reply func(kmsg.Response)) {
	shares := c.divide(len(groups), func(i int) string { return id(groups[i]) })
	ask := func(s share) kmsg.Request {
		some := make([]Q, len(s.positions))
		for i, at := range s.positions {
			some[i] = groups[at]
		}
		return part(some)
	}
	c.scatter(r, shares, ask, func(answers []kmsg.Response) {
		resp := r.Req.ResponseKind()
		all := make([]A, len(groups))
		for i, a := range answers {
			theirs := *answered(a)
			for k, at := range shares[i].positions {
				all[at] = theirs[k]
			}
		}
		*answered(resp) = all
		reply(resp)
	})
}

// listAll lists the groups of all partitions led here. One that is not ready
// makes the answer an error, since the list would have gaps.
func (c *Coordinator) listAll(r Request, req *kmsg.ListGroupsRequest, reply func(kmsg.Response)) {
	shares := make([]share, c.cfg.Partitions)
	for i := range shares {
		shares[i].partition = int32(i)
	}
	c.scatter(r, shares, func(share) kmsg.Request { return req }, func(answers []kmsg.Response) {
		resp := req.ResponseKind().(*kmsg.ListGroupsResponse)
		for _, a := range answers {
			part := a.(*kmsg.ListGroupsResponse)
			switch group.Code(part.ErrorCode) {
			case group.None:
				resp.Groups = append(resp.Groups, part.Groups...)
			case group.NotCoordinator:
			default:
				resp.ErrorCode = part.ErrorCode
			}
		}
		if resp.ErrorCode != 0 {
			resp.Groups = nil
		}
		slices.SortFunc(resp.Groups, func(a, b kmsg.ListGroupsResponseGroup) int { return strings.Compare(a.Group, b.Group) })
		reply(resp)
	})
}
