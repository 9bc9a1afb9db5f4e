package image

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// The bounds of the remembered answers.
const (
	// AnswerWindow is how far a command's sequence may lie past the oldest one
	// that its issuer still waits for.
	AnswerWindow = 64
	// maxIssuers is how many issuers are remembered; past it, the one that was
	// silent longest is forgotten.
	maxIssuers = 1024
)

// CommandID names a command for good: whoever issued it, commonly one
// incarnation of a node, and that issuer's number of it, from 1.
type CommandID struct {
	Issuer   ids.UUID
	Sequence uint64
}

// Remembered is the answer that a command got, kept until its issuer says that
// it has it, so that a retry gets the same one.
type Remembered struct {
	ID     CommandID
	Floor  uint64 // the issuer waits for no sequence below it
	Index  uint64 // where the command was applied
	Answer []byte // an [Answer], encoded
}

// ForgetIssuer drops all that is remembered for an issuer.
type ForgetIssuer struct {
	Issuer ids.UUID
}

// issuer is what the remembered answers of one issuer have in common.
type issuer struct {
	floor     uint64
	lastIndex uint64
}

// RecordKind is KindRemembered.
func (*Remembered) RecordKind() RecordKind { return KindRemembered }

func (r *Remembered) fields(c *wire.Coder) {
	commandIDFields(c, &r.ID)
	wire.Uint(c, &r.Floor)
	wire.Uint(c, &r.Index)
	c.Blob(&r.Answer)
}

func commandIDFields(c *wire.Coder, id *CommandID) {
	c.UUID(&id.Issuer)
	wire.Uint(c, &id.Sequence)
}

func (r *Remembered) apply(img *Image) {
	was, _ := img.issuers.get(r.ID.Issuer)
	now := issuer{floor: max(was.floor, r.Floor), lastIndex: max(was.lastIndex, r.Index)}
	img.forgetAnswers(r.ID.Issuer, now.floor)
	img.issuers.put(r.ID.Issuer, now)
	img.answers.put(r.ID, r)
}

// RecordKind is KindForgetIssuer.
func (*ForgetIssuer) RecordKind() RecordKind { return KindForgetIssuer }

func (r *ForgetIssuer) fields(c *wire.Coder) { c.UUID(&r.Issuer) }

func (r *ForgetIssuer) apply(img *Image) {
	img.forgetAnswers(r.Issuer, ^uint64(0))
	img.issuers.remove(r.Issuer)
}

// forgetAnswers drops the answers of an issuer below a sequence.
func (img *Image) forgetAnswers(issuer ids.UUID, below uint64) {
	var gone []CommandID
	for id := range img.answers.from(CommandID{Issuer: issuer}) {
		if id.Issuer != issuer || id.Sequence >= below {
			break
		}
		gone = append(gone, id)
	}
	for _, id := range gone {
		img.answers.remove(id)
	}
}

// silentIssuer is the issuer that was heard of longest ago.
func (img *Image) silentIssuer() (ids.UUID, bool) {
	var oldest ids.UUID
	oldestIndex, found := uint64(0), false
	for id, i := range img.issuers.all() {
		if !found || i.lastIndex < oldestIndex {
			oldest, oldestIndex, found = id, i.lastIndex, true
		}
	}
	return oldest, found
}

// remembered returns the answer that a command got before, if it did, or a
// refusal if it may have been applied and forgotten.
func (img *Image) remembered(req *Request) (*Remembered, *Refusal) {
	if r, ok := img.answers.get(req.ID); ok {
		return r, nil
	}
	known, ok := img.issuers.get(req.ID.Issuer)
	floor := max(known.floor, req.AckedBelow, 1)
	switch {
	case req.ID.Sequence < floor:
		return nil, refuse(Forgotten, "command %d is below %d, which its issuer has acknowledged",
			req.ID.Sequence, floor)
	case req.ID.Sequence-floor >= AnswerWindow:
		return nil, refuse(OutOfWindow, "command %d is past the window of %d commands that begins with %d",
			req.ID.Sequence, AnswerWindow, floor)
	case !ok && req.AckedBelow > AnswerWindow:
		// An issuer that had answers before but is unknown now was forgotten,
		// and with it what this very command may have been answered.
		return nil, refuse(Forgotten, "the issuer of command %d was forgotten", req.ID.Sequence)
	}
	return nil, nil
}
