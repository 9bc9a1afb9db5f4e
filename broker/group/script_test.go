package group

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestScripts runs the scripts of testdata. A command's output is the effects
// it caused, in order; see script.run for the commands.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		sc := &script{}
		sc.reset()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			sc.d, sc.t = d, t
			sc.w.out.Reset()
			return sc.run()
		})
	})
}

type script struct {
	t *testing.T
	d *datadriven.TestData
	w *world
}

func (sc *script) reset() {
	config := DefaultConfig()
	config.ShardBytesMax = 1 << 20
	sc.w = newWorld(config)
}

// run performs one command:
//
//	config [delay=3s] [size=N] [bytes=N]            start anew
//	join g [member=] [instance=] [protocols=a,b] [topics=t] [session=10s] [rebalance=60s] [v=9] [type=consumer] [client=c] as=NAME
//	sync g member= [instance=] generation= [assign=member:text,…] as=NAME
//	heartbeat g member= [instance=] generation= as=NAME
//	leave g [member=a,b] [instance=i] [v=5] as=NAME
//	commit g [member=] [instance=] [generation=] [v=8] [retention=ms] offsets=t/0=5[@epoch][:metadata],… as=NAME
//	fetch g [offsets=t/0,…] [v=8] as=NAME          without offsets: all
//	delete-offsets g offsets=t/0,… as=NAME
//	describe g [v=5] as=NAME, list [states=] [types=] as=NAME, delete g,… as=NAME
//	topics-deleted t,…
//	durable [all], fail CODE                       the outcome of the oldest append (or of all)
//	advance 3s, crash, compact, unload, state, bytes
func (sc *script) run() string {
	w := sc.w
	switch sc.d.Cmd {
	case "config":
		return sc.configure()
	case "join":
		w.request(sc.name(), sc.arg("client", "c"), sc.join())
	case "sync":
		w.request(sc.name(), "c", sc.sync())
	case "heartbeat":
		req := kmsg.NewPtrHeartbeatRequest()
		req.Version, req.Group, req.MemberID = 4, sc.first(), sc.arg("member", "")
		req.InstanceID, req.Generation = optional(sc.arg("instance", "")), int32(sc.number("generation", 0))
		w.request(sc.name(), "c", req)
	case "leave":
		w.request(sc.name(), "c", sc.leave())
	case "commit":
		w.request(sc.name(), "c", sc.commit())
	case "fetch":
		w.request(sc.name(), "c", sc.fetch())
	case "delete-offsets":
		req := kmsg.NewPtrOffsetDeleteRequest()
		req.Group = sc.first()
		for _, tp := range sc.partitions() {
			t := kmsg.NewOffsetDeleteRequestTopic()
			t.Topic, t.Partitions = tp.topic, []kmsg.OffsetDeleteRequestTopicPartition{{Partition: tp.partition}}
			req.Topics = append(req.Topics, t)
		}
		w.request(sc.name(), "c", req)
	case "describe":
		req := kmsg.NewPtrDescribeGroupsRequest()
		req.Version, req.Groups = int16(sc.number("v", 5)), strings.Split(sc.first(), ",")
		w.request(sc.name(), "c", req)
	case "list":
		req := kmsg.NewPtrListGroupsRequest()
		req.Version, req.StatesFilter, req.TypesFilter = 5, sc.list("states"), sc.list("types")
		w.request(sc.name(), "c", req)
	case "delete":
		req := kmsg.NewPtrDeleteGroupsRequest()
		req.Groups = strings.Split(sc.first(), ",")
		w.request(sc.name(), "c", req)
	case "topics-deleted":
		w.step(TopicsDeleted{Topics: strings.Split(sc.first(), ",")})
	default:
		return sc.control()
	}
	return w.out.String()
}

// control performs what is not a request.
func (sc *script) control() string {
	w := sc.w
	switch sc.d.Cmd {
	case "durable":
		if len(w.appends) == 0 {
			return "no append is awaited"
		}
		for w.durable(); len(w.appends) > 0 && len(sc.d.CmdArgs) > 0; {
			w.durable()
		}
	case "fail":
		for code, name := range codeNames {
			if name == sc.first() {
				w.fail(code)
			}
		}
	case "advance":
		d, err := time.ParseDuration(sc.first())
		if err != nil {
			sc.t.Fatal(err)
		}
		w.advance(d)
	case "crash":
		w.crash()
	case "compact":
		var live []Record
		for r := range w.shard.LiveRecords() {
			live = append(live, r)
		}
		fmt.Fprintf(&w.out, "%d records become %d\n", len(w.log), len(live))
		w.log = live
	case "unload":
		w.step(Unload{})
		fmt.Fprintf(&w.out, "%d requests unanswered\n", len(w.names))
	case "state":
		return dump(w.shard)
	case "bytes":
		return fmt.Sprintln(w.shard.Bytes())
	default:
		sc.t.Fatalf("unknown command %q", sc.d.Cmd)
	}
	return w.out.String()
}

func (sc *script) configure() string {
	config := DefaultConfig()
	config.ShardBytesMax = int64(sc.number("bytes", 1<<20))
	config.MembersMax = sc.number("size", config.MembersMax)
	config.InitialRebalanceDelay = sc.duration("delay", "3s")
	if err := config.Validate(); err != nil {
		return err.Error()
	}
	sc.w = newWorld(config)
	return ""
}

func (sc *script) join() kmsg.Request {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group = int16(sc.number("v", 9)), sc.first()
	req.MemberID, req.InstanceID = sc.arg("member", ""), optional(sc.arg("instance", ""))
	req.ProtocolType = sc.arg("type", "consumer")
	req.SessionTimeoutMillis = int32(sc.duration("session", "10s").Milliseconds())
	req.RebalanceTimeoutMillis = int32(sc.duration("rebalance", "60s").Milliseconds())
	req.Reason = optional(sc.arg("reason", ""))
	for _, name := range strings.Split(sc.arg("protocols", "range"), ",") {
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = name, subscription(strings.Split(sc.arg("topics", "t"), ",")...)
		if raw := sc.arg("raw", ""); raw != "" {
			p.Metadata = []byte(raw)
		}
		req.Protocols = append(req.Protocols, p)
	}
	return req
}

func (sc *script) sync() kmsg.Request {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.MemberID = 5, sc.first(), sc.arg("member", "")
	req.InstanceID, req.Generation = optional(sc.arg("instance", "")), int32(sc.number("generation", 0))
	req.Protocol, req.ProtocolType = optional(sc.arg("protocol", "")), optional(sc.arg("type", ""))
	for _, a := range sc.list("assign") {
		id, text, _ := strings.Cut(a, ":")
		req.GroupAssignment = append(req.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: id, MemberAssignment: []byte(text)})
	}
	return req
}

func (sc *script) leave() kmsg.Request {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Version, req.Group = int16(sc.number("v", 5)), sc.first()
	if req.Version < leaveBatchVersion {
		req.MemberID = sc.arg("member", "")
		return req
	}
	for _, id := range strings.Split(sc.arg("member", ""), ",") {
		m := kmsg.NewLeaveGroupRequestMember()
		m.MemberID, m.InstanceID = id, optional(sc.arg("instance", ""))
		req.Members = append(req.Members, m)
	}
	return req
}

func (sc *script) commit() kmsg.Request {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group, req.MemberID = int16(sc.number("v", 8)), sc.first(), sc.arg("member", "")
	req.InstanceID, req.Generation = optional(sc.arg("instance", "")), int32(sc.number("generation", -1))
	req.RetentionTimeMillis = int64(sc.number("retention", -1))
	for _, o := range sc.list("offsets") {
		where, value, _ := strings.Cut(o, "=")
		value, metadata, _ := strings.Cut(value, ":")
		value, epoch, hasEpoch := strings.Cut(value, "@")
		topic, partition, _ := strings.Cut(where, "/")
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset = int32(sc.atoi(partition)), int64(sc.atoi(value))
		if hasEpoch {
			p.LeaderEpoch = int32(sc.atoi(epoch))
		}
		if n, isLong := strings.CutPrefix(metadata, "x*"); isLong {
			metadata = strings.Repeat("x", sc.atoi(n))
		}
		p.Metadata = &metadata
		t := kmsg.NewOffsetCommitRequestTopic()
		t.Topic, t.Partitions = topic, []kmsg.OffsetCommitRequestTopicPartition{p}
		req.Topics = append(req.Topics, t)
	}
	return req
}

func (sc *script) fetch() kmsg.Request {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version = int16(sc.number("v", 8))
	if req.Version < fetchGroupsVersion {
		req.Group = sc.first()
		for _, tp := range sc.partitions() {
			req.Topics = append(req.Topics, kmsg.OffsetFetchRequestTopic{Topic: tp.topic, Partitions: []int32{tp.partition}})
		}
		return req
	}
	for _, id := range strings.Split(sc.first(), ",") {
		g := kmsg.NewOffsetFetchRequestGroup()
		g.Group = id
		for _, tp := range sc.partitions() {
			t := kmsg.NewOffsetFetchRequestGroupTopic()
			t.Topic, t.Partitions = tp.topic, []int32{tp.partition}
			g.Topics = append(g.Topics, t)
		}
		req.Groups = append(req.Groups, g)
	}
	return req
}

func (sc *script) partitions() []topicPartition {
	var tps []topicPartition
	for _, s := range sc.list("offsets") {
		topic, partition, _ := strings.Cut(s, "/")
		tps = append(tps, topicPartition{topic, int32(sc.atoi(partition))})
	}
	return tps
}

// first is the command's argument without a key.
func (sc *script) first() string {
	if len(sc.d.CmdArgs) == 0 {
		sc.t.Fatalf("%s: %s needs an argument", sc.d.Pos, sc.d.Cmd)
	}
	if arg := sc.d.CmdArgs[0]; len(arg.Vals) > 0 && arg.Key == "" {
		return arg.Vals[0]
	}
	return sc.d.CmdArgs[0].Key
}

func (sc *script) name() string { return sc.arg("as", sc.d.Cmd) }

func (sc *script) arg(key, otherwise string) string {
	for _, prefixed := range sc.d.CmdArgs {
		if prefixed.Key == key {
			return strings.Join(prefixed.Vals, ",")
		}
	}
	return otherwise
}

func (sc *script) list(key string) []string {
	if s := sc.arg(key, ""); s != "" {
		return strings.Split(s, ",")
	}
	return nil
}

func (sc *script) number(key string, otherwise int) int {
	if s := sc.arg(key, ""); s != "" {
		return sc.atoi(s)
	}
	return otherwise
}

func (sc *script) duration(key, otherwise string) time.Duration {
	d, err := time.ParseDuration(sc.arg(key, otherwise))
	if err != nil {
		sc.t.Fatal(err)
	}
	return d
}

func (sc *script) atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		sc.t.Fatalf("%s: %v", sc.d.Pos, err)
	}
	return n
}
