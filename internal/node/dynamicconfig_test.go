package node

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What is set on brokers while they run is in force by the answer: on one
// before the default of all, and that before the file.
func TestDynamicBrokerConfigsAreInForce(t *testing.T) {
	n := start(t, devConfig(t, t.TempDir(), nil))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client := plainClient(t, n)
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	alter := func(op kadm.IncrementalOp, name, value string, brokers ...int32) error {
		t.Helper()
		r, err := admin.AlterBrokerConfigs(ctx, []kadm.AlterConfig{{Op: op, Name: name, Value: &value}}, brokers...)
		if err != nil {
			t.Fatal(err)
		}
		return r[0].Err
	}
	value := make([]byte, 5000)
	rand.NewChaCha8([32]byte{}).Read(value) // does not compress
	produce := func() error {
		return client.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: value}).FirstErr()
	}
	for _, step := range []struct {
		what     string
		op       kadm.IncrementalOp
		value    string
		brokers  []int32
		tooLarge bool
	}{
		{"the default of all", kadm.SetConfig, "1000", nil, true},
		{"this broker's own", kadm.SetConfig, "100000", []int32{1}, false},
		{"this broker's own, less", kadm.SetConfig, "2000", []int32{1}, true},
		{"this broker's own, deleted", kadm.DeleteConfig, "", []int32{1}, true},
		{"the default of all, deleted", kadm.DeleteConfig, "", nil, false},
	} {
		if err := alter(step.op, "message.max.bytes", step.value, step.brokers...); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if err := produce(); errors.Is(err, kerr.MessageTooLarge) != step.tooLarge || err != nil && !step.tooLarge {
			t.Errorf("after %s is set to %q: %v", step.what, step.value, err)
		}
	}
	if err := alter(kadm.SetConfig, "log.retention.ms", "12345"); err != nil {
		t.Fatal(err)
	}
	p, err := n.partitions.ByName([]byte("t"), 0)
	if err != nil || p.Settings().RetentionMs != 12345 {
		t.Errorf("retention in force: %v, %v", p.Settings(), err)
	}
	if err := alter(kadm.SetConfig, "num.partitions", "3"); !errors.Is(err, kerr.InvalidRequest) {
		t.Errorf("num.partitions, which brokers do not change: %v", err)
	}
}

// A limit of connections is in force for those that come.
func TestDynamicConnectionLimit(t *testing.T) {
	n := start(t, devConfig(t, t.TempDir(), nil))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	admin := kadm.NewClient(plainClient(t, n))
	limit := func(to string) {
		t.Helper()
		r, err := admin.AlterBrokerConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.connections.per.ip", Value: &to}})
		if err != nil || r[0].Err != nil {
			t.Fatal(err, r)
		}
	}
	limit("1")
	late, err := kgo.NewClient(kgo.SeedBrokers(n.Addr()), kgo.RetryTimeout(100*time.Millisecond), kgo.RequestRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if err := late.Ping(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("a connection past the limit: %v", err)
	}
	limit("100")
	if err := late.Ping(ctx); err != nil {
		t.Errorf("a connection once the limit was raised: %v", err)
	}
}
