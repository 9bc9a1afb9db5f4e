package image

import (
	"bytes"
	"errors"

	"pgregory.net/rapid"

	"github.com/seawallmq/seawall/internal/ids"
)

// cluster drives Apply as a controller would, and follows by With as an
// observer would, comparing the two after every command.
type cluster struct {
	t        rapid.TB
	img      *Image
	follower *Image
	index    uint64
	issuer   ids.UUID
	sequence uint64
}

func uuid(n byte) ids.UUID { return ids.UUID{15: n} }

func newCluster(t rapid.TB) *cluster {
	return &cluster{t: t, img: New(), follower: New(), issuer: uuid(200)}
}

func (c *cluster) apply(req *Request) *Answer {
	c.t.Helper()
	c.index++
	next, delta, answer := Apply(c.img, c.index, req)
	c.img = next
	c.follower = c.follower.With(delta)
	return answer
}

// next numbers a command; answers before it count as received.
func (c *cluster) next(cmd Command) *Request {
	c.sequence++
	return &Request{ID: CommandID{c.issuer, c.sequence}, AckedBelow: c.sequence, Command: cmd}
}

// do applies a command that must not be refused as a whole.
func do[R Result](c *cluster, cmd CommandOf[R]) R {
	c.t.Helper()
	a := c.apply(c.next(cmd))
	if a.Refusal != nil {
		c.t.Fatalf("%s: %v", cmd.CommandKind(), a.Refusal)
	}
	return a.Result.(R)
}

// refused applies a command that must be refused as a whole, and changes
// nothing but the remembered answers.
func (c *cluster) refused(want Reason, cmd Command) {
	c.t.Helper()
	before := c.img
	a := c.apply(c.next(cmd))
	if a.Refusal == nil || a.Refusal.Reason != want {
		c.t.Fatalf("%s: got %v, want refusal %v", cmd.CommandKind(), a.Refusal, want)
	}
	if !errors.Is(a.Refusal, &Refusal{Reason: want}) {
		c.t.Errorf("errors.Is does not know %v", a.Refusal)
	}
	for _, r := range Diff(before, c.img).Records {
		switch r.(type) {
		case *Remembered, *ForgetIssuer:
		default:
			c.t.Errorf("%s was refused and left %#v", cmd.CommandKind(), r)
		}
	}
}

func snapshotBytes(t rapid.TB, img *Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := img.WriteSnapshot(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
