package group

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestErrorResponses: in every version of every request, a client finds the
// code where that version has it.
func TestErrorResponses(t *testing.T) {
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Partition: 3}}}}
	fetch := kmsg.NewPtrOffsetFetchRequest()
	fetch.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "t", Partitions: []int32{3}}}
	fetch.Groups = []kmsg.OffsetFetchRequestGroup{{Group: "g"}}
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Groups = []string{"g"}
	remove := kmsg.NewPtrDeleteGroupsRequest()
	remove.Groups = []string{"g"}
	for _, req := range []kmsg.Request{
		kmsg.NewPtrJoinGroupRequest(), kmsg.NewPtrSyncGroupRequest(), kmsg.NewPtrHeartbeatRequest(),
		kmsg.NewPtrLeaveGroupRequest(), commit, fetch, kmsg.NewPtrOffsetDeleteRequest(),
		describe, kmsg.NewPtrListGroupsRequest(), remove,
	} {
		for version := int16(0); version <= req.MaxVersion(); version++ {
			req.SetVersion(version)
			sent := ErrorResponse(req, NotCoordinator)
			received := req.ResponseKind()
			if err := received.ReadFrom(sent.AppendTo(nil)); err != nil {
				t.Fatalf("%T v%d: %v", req, version, err)
			}
			if got := codeIn(received); got != NotCoordinator {
				t.Errorf("%T v%d: %v", req, version, got)
			}
		}
	}
}

func codeIn(resp kmsg.Response) Code {
	switch r := resp.(type) {
	case *kmsg.JoinGroupResponse:
		return Code(r.ErrorCode)
	case *kmsg.SyncGroupResponse:
		return Code(r.ErrorCode)
	case *kmsg.HeartbeatResponse:
		return Code(r.ErrorCode)
	case *kmsg.LeaveGroupResponse:
		return Code(r.ErrorCode)
	case *kmsg.OffsetCommitResponse:
		return Code(r.Topics[0].Partitions[0].ErrorCode)
	case *kmsg.OffsetFetchResponse:
		switch {
		case r.Version < 2:
			return Code(r.Topics[0].Partitions[0].ErrorCode)
		case r.Version < fetchGroupsVersion:
			return Code(r.ErrorCode)
		}
		return Code(r.Groups[0].ErrorCode)
	case *kmsg.OffsetDeleteResponse:
		return Code(r.ErrorCode)
	case *kmsg.DescribeGroupsResponse:
		return Code(r.Groups[0].ErrorCode)
	case *kmsg.ListGroupsResponse:
		return Code(r.ErrorCode)
	case *kmsg.DeleteGroupsResponse:
		return Code(r.Groups[0].ErrorCode)
	}
	return None
}
