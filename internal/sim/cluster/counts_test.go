package cluster

import (
	"fmt"
	"strings"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// event is a kind of thing that happens in runs. Each of them must happen among
// the seeds of a test: a fault that never comes, or a step that is never taken,
// is a check that cannot fail.
type event uint8

const (
	evKill       event = iota // from outside
	evKillInStep              // right after a step
	evKillInCell              // while a fence cell is written
	evPause
	evPauseInStep
	evResume
	evBoot
	evTwin // started beside its paused former process
	evLeave
	evDrained
	evDrainGivenUp // what is left stays in the log
	evWALFailed    // of a write that failed, or that hung
	evClosedShort  // where what is acknowledged ends, before what was appended
	evCut
	evCutOneWay
	evStoreDown
	evController // another one is active
	evClockJump
	evMove
	evTrim
	evStall
	evWriteToFail

	evMessageLost
	evMessageTwice
	evMessageBarred // by a cut link

	evWritten
	evWrittenLate    // after its process had died
	evWrittenOver    // before one that was submitted earlier
	evWrittenTorn    // in part, of a process that died or of a device that failed
	evNeverWritten   // of a process that died
	evWriteDetached  // refused: the volume was taken away
	evWrap           // a ring came round
	evWALFull        // an append found no space
	evTakenByForce   // a volume, from whoever had it
	evCannotRescue   // reported to the controller
	evDiedRescuing   // with a rescue under way
	evRescueRefused  // the command came too late
	evRescue         // by whomever
	evTakeover       // by another node than the one that opened the WAL
	evRescuedAgain   // from a rescuer that died
	evSeveralRescues // were due at once
	evCellFound      // a log found that its fence cell was written

	evPut
	evPutTimedOut
	evPutAfterTimeOut // carried out all the same
	evPutFailed       // 500
	evPutAnswerLost
	evGetFailed
	evDeleted // an object
	evCommit
	evSliceNotDue // an earlier tail comes first
	evRetire
	evRetireRefused

	evCallRepeated // a command was sent again
	evFence        // a node, by a controller
	evAssign       // other rescuers
	evSetLeaders

	evAway       // a volume, from everybody
	evDestroyed  // for good
	evBack       // it is there again
	evLook       // an operator asks what would be lost
	evAbandon    // and gives it up
	evLostOpen   // with it the end of a stream
	evLostClosed // and a part of one, of which it was known where it ends
	evLostSeen   // a record that somebody was told of
	evReturned   // a process that had held it goes on
	evGapPassed  // by a reader
	evSentBack   // a consumer, to where its records were lost
	evNewProducerEpoch

	evClientSleeps
	evConsumerAnew
	evAck
	evAckHeldBack // the lease was over
	evRepetition  // found again
	evNotLeader
	evTailRead // from another node
	evObjectRead
	evTrimmedAway
	evUnknownEpoch

	evStep // of a process, by actionKind; the last
	events = evStep + event(actions)
)

var eventNames = [evStep]string{
	"killed", "killed in a step", "killed writing a fence cell", "paused", "paused in a step", "resumed",
	"started", "started beside itself", "leaves", "drained", "drain given up", "WAL failed", "closed short", "link cut", "link cut one way", "store down",
	"another controller", "clock jump", "moved", "records deleted", "device stalls", "write to fail",
	"message lost", "message twice", "message barred",
	"written", "written late", "written out of order", "written torn", "never written", "write detached",
	"ring came round", "WAL full", "taken by force", "cannot rescue", "died rescuing", "rescue refused",
	"rescue", "takeover", "rescued again", "several rescues", "fence cell found",
	"put", "put timed out", "put after its time-out", "put failed", "put's answer lost", "get failed", "object deleted",
	"commit", "slice not due", "retired", "retiring refused",
	"command repeated", "fenced", "rescuers named", "leaders set",
	"volume away", "volume destroyed", "volume back", "losses looked at", "WAL given up", "end of a stream lost",
	"part of a stream lost", "record lost that was seen", "holder of a lost WAL goes on", "gap passed", "consumer sent back", "producer begins anew",
	"producer sleeps", "consumer begins anew", "acknowledged", "acknowledgement held back", "repetition", "not the leader",
	"tail read", "object read", "trimmed away", "unknown epoch",
}

func (e event) String() string {
	if e >= evStep {
		return "step: " + actionNames[e-evStep]
	}
	return eventNames[e]
}

// outcome is what became of a command, or of a part of one.
type outcome struct {
	kind   image.CommandKind
	reason image.Reason
}

// counts tell whether runs were worth their name.
type counts struct {
	events   [events]int
	outcomes map[outcome]int
}

// saw counts an event.
func (w *world) saw(e event) { w.counts.events[e]++ }

// add sums up.
func (c *counts) add(o *counts) {
	for e, n := range o.events {
		c.events[e] += n
	}
	if c.outcomes == nil {
		c.outcomes = map[outcome]int{}
	}
	for x, n := range o.outcomes {
		c.outcomes[x] += n
	}
}

// never lists what did not happen.
func (c *counts) never() (out []string) {
	for e, n := range c.events {
		if n == 0 {
			out = append(out, event(e).String())
		}
	}
	for _, x := range mustCome {
		if c.outcomes[x] == 0 {
			out = append(out, x.String())
		}
	}
	return out
}

// String lists all that happened.
func (c *counts) String() string {
	var b strings.Builder
	for e, n := range c.events {
		fmt.Fprintf(&b, "%s: %d\n", event(e), n)
	}
	for k := range image.CommandKind(64) {
		for r := range image.Reason(64) {
			if n := c.outcomes[outcome{k, r}]; n > 0 {
				fmt.Fprintf(&b, "%s: %d\n", outcome{k, r}, n)
			}
		}
	}
	return b.String()
}

func (o outcome) String() string { return fmt.Sprintf("%s: %s", o.kind, o.reason) }

// answered counts the outcomes of a command: of its parts, where it has parts.
func (c *counts) answered(cmd image.Command, a *image.Answer) {
	kind := cmd.CommandKind()
	if a.Refusal != nil {
		c.outcomes[outcome{kind, a.Refusal.Reason}]++
		return
	}
	switch r := a.Result.(type) {
	case *image.StreamOutcomes:
		for _, reason := range r.Refused {
			c.outcomes[outcome{kind, reason}]++
		}
	case *image.ObjectOutcomes:
		for _, reason := range r.Refused {
			c.outcomes[outcome{kind, reason}]++
		}
	case *image.OpenedStreams:
		for _, s := range r.Streams {
			c.outcomes[outcome{kind, s.Refused}]++
		}
	case *image.CommittedUpload:
		for _, s := range r.Refused {
			c.outcomes[outcome{kind, s.Reason}]++
		}
		if len(r.Refused) == 0 {
			c.outcomes[outcome{kind, image.NotRefused}]++
		}
	default:
		c.outcomes[outcome{kind, image.NotRefused}]++
	}
}

// rare lists what happened too seldom in so many seeds: these make the runs
// worth their name.
func (c *counts) rare(seeds int) (out []string) {
	for e, least := range map[event]int{
		evFence: seeds, evTakeover: seeds / 4, evRescuedAgain: seeds / 20, evTailRead: seeds, evCommit: seeds, evWrap: seeds / 4,
		evAck: 20 * seeds, evSeveralRescues: seeds / 4, evDiedRescuing: seeds / 10, evWrittenLate: seeds / 10,
	} {
		if c.events[e] < least {
			out = append(out, e.String())
		}
	}
	return out
}

// mustCome are outcomes of commands that runs must come to: each is a rule that
// kept something from going wrong.
var mustCome = func() (all []outcome) {
	for kind, reasons := range map[image.CommandKind][]image.Reason{
		image.KindRegisterNode:   {image.StaleNodeEpoch, image.Forgotten},
		image.KindFenceNode:      {image.StaleNodeEpoch},
		image.KindOpenWAL:        {image.StaleNodeEpoch},
		image.KindRescueWAL:      {image.StaleNodeEpoch, image.UnknownWAL, image.WALNotFenced, image.NotRescuer},
		image.KindRetireWAL:      {image.StaleNodeEpoch, image.WALInUse},
		image.KindOpenStreams:    {image.StaleNodeEpoch, image.NotLeader},
		image.KindCloseStreams:   {image.StaleNodeEpoch},
		image.KindTrimStreams:    {image.StaleNodeEpoch, image.NotLeader},
		image.KindPrepareObjects: {image.StaleNodeEpoch},
		image.KindCommitUpload:   {image.StaleNodeEpoch, image.NotFirstTail},
		image.KindSetLeaders:     {image.StaleLeaderEpoch},
		image.KindAssignRescuers: {image.WALNotFenced},
		image.KindAbortObjects:   {image.StaleNodeEpoch},
		image.KindObjectsDeleted: {image.UnknownObject},
		image.KindAbandonWAL:     {image.UnknownWAL, image.NotWALHolder, image.WALNotFenced},
	} {
		all = append(all, outcome{kind, image.NotRefused})
		for _, reason := range reasons {
			all = append(all, outcome{kind, reason})
		}
	}
	return all
}()
