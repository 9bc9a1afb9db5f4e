package mem

import (
	"context"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/storetest"
)

func TestAcceptance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store { return New(clock.Wall()) },
		storetest.Expect{PutIfAbsent: true, CompleteIfAbsent: true})
}

func TestCloneIsIndependent(t *testing.T) {
	ctx := context.Background()
	s := New(clock.NewManual(time.Unix(0, 0)))
	if err := s.Put(ctx, "a", objstore.NewBody([]byte("1")), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	c := s.Clone()
	if err := s.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if err := c.Put(ctx, "b", objstore.NewBody([]byte("2")), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.List(ctx, "", "", 10); len(got) != 0 {
		t.Errorf("the original lists %v, want nothing", got)
	}
	if got, _ := c.List(ctx, "", "", 10); len(got) != 2 {
		t.Errorf("the clone lists %v, want a and b", got)
	}
}
