package broker

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/server"
)

// A request that its version's codec cannot read closes the connection.
func TestUndecodableRequest(t *testing.T) {
	client := dialer(t, serve(t, testRegistry(), server.Listener{}))
	bad := &truncated{kmsg.NewPtrMetadataRequest()}
	if _, err := client.Do(context.Background(), 0, bad); err == nil {
		t.Error("a truncated request was answered")
	}
	if _, err := client.Do(context.Background(), 0, kmsg.NewPtrMetadataRequest()); err != nil {
		t.Errorf("on a new connection: %v", err)
	}
}

// truncated claims a thousand topics and brings none.
type truncated struct{ *kmsg.MetadataRequest }

func (*truncated) AppendTo(dst []byte) []byte { return append(dst, 0, 0, 3, 232) }

func TestProduceIsRefusedBelowWhatIsServed(t *testing.T) {
	client := dialer(t, serve(t, testRegistry(), server.Listener{}))
	req := kmsg.NewPtrProduceRequest()
	req.Version = 2
	if _, err := client.Do(context.Background(), 0, req); err == nil {
		t.Error("Produce v2 was answered; it is advertised but refused")
	}
}

func TestAsyncHandler(t *testing.T) {
	client := dialer(t, serve(t, testRegistry(), server.Listener{}))
	for version := range int16(5) {
		req := kmsg.NewPtrHeartbeatRequest()
		req.Version = version
		if _, err := client.Do(context.Background(), 0, req); err != nil {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

func TestRegisterRefusesMistakes(t *testing.T) {
	metadata := func(*Ctx, *kmsg.MetadataRequest) kmsg.Response { return nil }
	for name, register := range map[string]func(r *Registry){
		"a key twice":             func(r *Registry) { Handle(r, 0, 1, metadata); Handle(r, 0, 1, metadata) },
		"versions the wrong way":  func(r *Registry) { Handle(r, 2, 1, metadata) },
		"a version without codec": func(r *Registry) { Handle(r, 0, 99, metadata) },
		"a key without codec":     func(r *Registry) { HandleRaw(r, 126, 0, 0, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("registering %s did not panic", name)
				}
			}()
			register(NewRegistry())
		}()
	}
}

func TestCodeOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int16
	}{
		{nil, 0},
		{kerr.NotLeaderForPartition, 6},
		{fmt.Errorf("produce: %w", kerr.KafkaStorageError), 56},
		{context.DeadlineExceeded, 7},
		{errors.New("unforeseen"), -1},
	} {
		if got := CodeOf(test.err); got != test.want {
			t.Errorf("CodeOf(%v) = %d, want %d", test.err, got, test.want)
		}
	}
}
