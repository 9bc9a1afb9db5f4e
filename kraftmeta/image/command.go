package image

import (
	"fmt"

	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Command asks for a change of the metadata and states what it expects; it is
// checked and carried out by [Apply]. A Command is not written to once
// submitted.
type Command interface {
	// CommandKind names the command's type in encoded form.
	CommandKind() CommandKind
	fields(c *wire.Coder)
	run(d *draft) (Result, *Refusal)
}

// CommandOf is a command whose result is an R: it lets a submitter return the
// result under its own type.
type CommandOf[R Result] interface {
	Command
	// NewResult is an empty result of the command, for decoding into.
	NewResult() R
}

// Result is what a command that was not refused as a whole tells its issuer.
type Result interface {
	fields(c *wire.Coder)
}

// Done is the result of commands that have nothing more to tell.
type Done struct{}

func (*Done) fields(*wire.Coder) {}

// CommandKind names a command's type. The numbers are durable.
type CommandKind uint8

// The kinds of commands.
const (
	KindFormatCluster       CommandKind = 1
	KindUpdateFeatures      CommandKind = 2
	KindRegisterNode        CommandKind = 3
	KindFenceNode           CommandKind = 4
	KindOpenWAL             CommandKind = 5
	KindRescueWAL           CommandKind = 6
	KindRetireWAL           CommandKind = 7
	KindOpenStreams         CommandKind = 8
	KindCloseStreams        CommandKind = 9
	KindTrimStreams         CommandKind = 10
	KindPrepareObjects      CommandKind = 11
	KindCommitUpload        CommandKind = 12
	KindAbortObjects        CommandKind = 13
	KindObjectsDeleted      CommandKind = 14
	KindCompactObjects      CommandKind = 15
	KindCreateTopics        CommandKind = 16
	KindCreatePartitions    CommandKind = 17
	KindDeleteTopics        CommandKind = 18
	KindAlterConfigs        CommandKind = 19
	KindAllocateProducerIDs CommandKind = 20
	KindSetLeaders          CommandKind = 21
	KindAssignRescuers      CommandKind = 22
	KindLeaveCluster        CommandKind = 23
	KindRemoveNode          CommandKind = 24
	KindAbandonWAL          CommandKind = 25
)

// commandType is how one kind of command is made and which version of it, and
// of its answer, this program writes and at most reads.
type commandType struct {
	name    string
	version uint8
	make    func() Command
	result  func() Result
}

// typeOf ties a command to its result at compile time.
func typeOf[C CommandOf[R], R Result](name string, version uint8, newCommand func() C) commandType {
	return commandType{
		name: name, version: version,
		make:   func() Command { return newCommand() },
		result: func() Result { return newCommand().NewResult() },
	}
}

// commandTypes is filled in by init: the commands' methods refer back to it.
var commandTypes map[CommandKind]commandType

func init() {
	commandTypes = map[CommandKind]commandType{
		KindFormatCluster:       typeOf("FormatCluster", 1, func() *FormatCluster { return new(FormatCluster) }),
		KindUpdateFeatures:      typeOf("UpdateFeatures", 1, func() *UpdateFeatures { return new(UpdateFeatures) }),
		KindRegisterNode:        typeOf("RegisterNode", 1, func() *RegisterNode { return new(RegisterNode) }),
		KindFenceNode:           typeOf("FenceNode", 1, func() *FenceNode { return new(FenceNode) }),
		KindOpenWAL:             typeOf("OpenWAL", 1, func() *OpenWAL { return new(OpenWAL) }),
		KindRescueWAL:           typeOf("RescueWAL", 1, func() *RescueWAL { return new(RescueWAL) }),
		KindRetireWAL:           typeOf("RetireWAL", 1, func() *RetireWAL { return new(RetireWAL) }),
		KindOpenStreams:         typeOf("OpenStreams", 1, func() *OpenStreams { return new(OpenStreams) }),
		KindCloseStreams:        typeOf("CloseStreams", 1, func() *CloseStreams { return new(CloseStreams) }),
		KindTrimStreams:         typeOf("TrimStreams", 1, func() *TrimStreams { return new(TrimStreams) }),
		KindPrepareObjects:      typeOf("PrepareObjects", 1, func() *PrepareObjects { return new(PrepareObjects) }),
		KindCommitUpload:        typeOf("CommitUpload", 1, func() *CommitUpload { return new(CommitUpload) }),
		KindAbortObjects:        typeOf("AbortObjects", 1, func() *AbortObjects { return new(AbortObjects) }),
		KindObjectsDeleted:      typeOf("ObjectsDeleted", 1, func() *ObjectsDeleted { return new(ObjectsDeleted) }),
		KindCompactObjects:      typeOf("CompactObjects", 1, func() *CompactObjects { return new(CompactObjects) }),
		KindCreateTopics:        typeOf("CreateTopics", 1, func() *CreateTopics { return new(CreateTopics) }),
		KindCreatePartitions:    typeOf("CreatePartitions", 1, func() *CreatePartitions { return new(CreatePartitions) }),
		KindDeleteTopics:        typeOf("DeleteTopics", 1, func() *DeleteTopics { return new(DeleteTopics) }),
		KindAlterConfigs:        typeOf("AlterConfigs", 1, func() *AlterConfigs { return new(AlterConfigs) }),
		KindAllocateProducerIDs: typeOf("AllocateProducerIDs", 1, func() *AllocateProducerIDs { return new(AllocateProducerIDs) }),
		KindSetLeaders:          typeOf("SetLeaders", 1, func() *SetLeaders { return new(SetLeaders) }),
		KindAssignRescuers:      typeOf("AssignRescuers", 1, func() *AssignRescuers { return new(AssignRescuers) }),
		KindLeaveCluster:        typeOf("LeaveCluster", 1, func() *LeaveCluster { return new(LeaveCluster) }),
		KindRemoveNode:          typeOf("RemoveNode", 1, func() *RemoveNode { return new(RemoveNode) }),
		KindAbandonWAL:          typeOf("AbandonWAL", 1, func() *AbandonWAL { return new(AbandonWAL) }),
	}
}

// String names the kind.
func (k CommandKind) String() string {
	if t, ok := commandTypes[k]; ok {
		return t.name
	}
	return fmt.Sprintf("command %d", uint8(k))
}

// Request is a command with the identity that makes it apply once.
type Request struct {
	ID CommandID
	// AckedBelow is the issuer's oldest sequence whose answer it does not have:
	// answers to those below are forgotten. At most the command's own sequence.
	AckedBelow uint64
	Command    Command
}

// AppendRequest appends the encoded request to dst.
//
//	frame of the command's kind: issuer, sequence, acked-below, command's fields
func AppendRequest(dst []byte, req *Request) []byte {
	kind := req.Command.CommandKind()
	return wire.AppendFrame(dst, uint8(kind), commandTypes[kind].version, req.fields)
}

// DecodeRequest reads a request that is all of src.
func DecodeRequest(src []byte) (*Request, error) {
	f, t, err := soleFrame(src)
	if err != nil {
		return nil, err
	}
	req := &Request{Command: t.make()}
	if err := f.Decode(t.name, t.version, req.fields); err != nil {
		return nil, err
	}
	return req, nil
}

func (req *Request) fields(c *wire.Coder) {
	commandIDFields(c, &req.ID)
	wire.Uint(c, &req.AckedBelow)
	req.Command.fields(c)
}

// Answer is what became of a command.
type Answer struct {
	Command CommandKind
	Index   uint64   // where it was applied first; 0 when it was refused unrecorded
	Refusal *Refusal // why nothing changed, or nil
	Result  Result   // nil when refused
}

// AppendAnswer appends the encoded answer to dst.
//
//	frame of the command's kind: index, optional refusal, else result's fields
func AppendAnswer(dst []byte, a *Answer) []byte {
	return wire.AppendFrame(dst, uint8(a.Command), commandTypes[a.Command].version, a.fields)
}

// DecodeAnswer reads an answer that is all of src.
func DecodeAnswer(src []byte) (*Answer, error) {
	f, t, err := soleFrame(src)
	if err != nil {
		return nil, err
	}
	a := &Answer{Command: CommandKind(f.Kind), Result: t.result()}
	if err := f.Decode("answer to "+t.name, t.version, a.fields); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Answer) fields(c *wire.Coder) {
	wire.Uint(c, &a.Index)
	wire.Optional(c, &a.Refusal, refusalFields)
	if a.Refusal != nil {
		a.Result = nil
		return
	}
	a.Result.fields(c)
}

// soleFrame reads a frame that is all of src and finds its command's type.
func soleFrame(src []byte) (wire.Frame, commandType, error) {
	f, rest, err := wire.NextFrame(src)
	if err != nil {
		return f, commandType{}, fmt.Errorf("metadata command: %w", err)
	}
	if len(rest) > 0 {
		return f, commandType{}, fmt.Errorf("metadata command: %d bytes left over", len(rest))
	}
	t, ok := commandTypes[CommandKind(f.Kind)]
	if !ok {
		return f, t, fmt.Errorf("metadata command of unknown kind %d: use a newer program", f.Kind)
	}
	return f, t, nil
}
