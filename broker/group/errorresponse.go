package group

import "github.com/twmb/franz-go/pkg/kmsg"

// ErrorResponse is the answer to one of the requests that a Shard serves that
// carries code in every place there is for one.
func ErrorResponse(req kmsg.Request, code Code) kmsg.Response {
	c := int16(code)
	switch req := req.(type) {
	case *kmsg.JoinGroupRequest:
		id := req.MemberID
		if code == GroupMaxSizeReached {
			id = ""
		}
		return joinError(id, code)(req.Version)
	case *kmsg.SyncGroupRequest:
		return syncError(code)(req.Version)
	case *kmsg.OffsetCommitRequest:
		return commitError(req, c)
	case *kmsg.OffsetFetchRequest:
		return fetchError(req, c)
	case *kmsg.DescribeGroupsRequest:
		resp := req.ResponseKind().(*kmsg.DescribeGroupsResponse)
		for _, id := range req.Groups {
			g := kmsg.NewDescribeGroupsResponseGroup()
			g.Group, g.ErrorCode = id, c
			resp.Groups = append(resp.Groups, g)
		}
		return resp
	case *kmsg.DeleteGroupsRequest:
		resp := req.ResponseKind().(*kmsg.DeleteGroupsResponse)
		for _, id := range req.Groups {
			g := kmsg.NewDeleteGroupsResponseGroup()
			g.Group, g.ErrorCode = id, c
			resp.Groups = append(resp.Groups, g)
		}
		return resp
	}
	resp := req.ResponseKind()
	switch resp := resp.(type) {
	case *kmsg.HeartbeatResponse:
		resp.ErrorCode = c
	case *kmsg.LeaveGroupResponse:
		resp.ErrorCode = c
	case *kmsg.OffsetDeleteResponse:
		resp.ErrorCode = c
	case *kmsg.ListGroupsResponse:
		resp.ErrorCode = c
	}
	return resp
}

func commitError(req *kmsg.OffsetCommitRequest, code int16) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, t := range req.Topics {
		rt := kmsg.NewOffsetCommitResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			rp := kmsg.NewOffsetCommitResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, code
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

// fetchError puts the code where each version has it: per partition up to v1,
// at the top up to v7, then per group.
func fetchError(req *kmsg.OffsetFetchRequest, code int16) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
	resp.ErrorCode = code
	for _, g := range req.Groups {
		rg := kmsg.NewOffsetFetchResponseGroup()
		rg.Group, rg.ErrorCode = g.Group, code
		resp.Groups = append(resp.Groups, rg)
	}
	if req.Version >= 2 {
		return resp
	}
	for _, t := range req.Topics {
		rt := kmsg.NewOffsetFetchResponseTopic()
		rt.Topic = t.Topic
		for _, p := range t.Partitions {
			rt.Partitions = append(rt.Partitions, kmsg.OffsetFetchResponseTopicPartition{
				Partition: p, Offset: -1, LeaderEpoch: -1, Metadata: kmsg.StringPtr(""), ErrorCode: code,
			})
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}
