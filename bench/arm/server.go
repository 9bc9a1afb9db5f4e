package arm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/conformance/proc"
)

const (
	// readyTimeout bounds a start, recovery included.
	readyTimeout = 2 * time.Minute
	// retryPause is short, so that a start is not rounded up to it.
	retryPause = 2 * time.Millisecond
)

// Server is a running broker with its data in a folder of its own.
type Server struct {
	Addr string
	// StartedAt is when its process was started.
	StartedAt time.Time

	arm     Arm
	broker  *proc.Broker
	process *proc.Process
}

// Start starts the broker with its data below dir, and waits until it listens.
func (a Arm) Start(ctx context.Context, dir string) (*Server, error) {
	b, err := proc.NewBroker(a.seawall, a.command, dir)
	if err != nil {
		return nil, err
	}
	b.Store, b.Env = a.store, a.env
	if err := os.MkdirAll(filepath.Join(b.Dir, "data"), 0o755); err != nil {
		return nil, err
	}
	s := &Server{Addr: b.Listen, arm: a, broker: b}
	return s, s.run(ctx)
}

func (s *Server) run(ctx context.Context) error {
	s.StartedAt = time.Now()
	p, err := s.broker.Start(s.arm.overrides...)
	if err != nil {
		return err
	}
	s.process = p
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := p.WaitListening(ctx, s.Addr); err != nil {
		p.Kill9()
		return fmt.Errorf("%s: %w", s.arm.Name, err)
	}
	return nil
}

// Restart kills the broker as kill -9 does and starts it again on its data.
func (s *Server) Restart(ctx context.Context) error {
	s.process.Kill9()
	return s.run(ctx)
}

// WaitReady waits until the broker says that it is ready, where it says so,
// and returns how long after its start that was.
func (s *Server) WaitReady(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := s.broker.WaitReady(ctx, s.process)
	return time.Since(s.StartedAt), err
}

// Kill ends the broker at once.
func (s *Server) Kill() { s.process.Kill9() }

// While is a context that ends with the broker's process too.
func (s *Server) While(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return s.process.While(ctx, timeout)
}

// client is one that tries again soon.
func (s *Server) client(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(s.Addr), kgo.ProducerLinger(0),
		kgo.RetryBackoffFn(func(int) time.Duration { return retryPause }),
		kgo.MetadataMinAge(10 * time.Millisecond),
	}, opts...)...)
}

// CreateTopic makes a topic of one replica and waits until the broker has it.
func (s *Server) CreateTopic(ctx context.Context, name string, partitions int) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	defer client.Close()
	return createTopic(ctx, client, name, partitions)
}

func createTopic(ctx context.Context, client *kgo.Client, name string, partitions int) error {
	admin := kadm.NewClient(client)
	for {
		_, err := admin.CreateTopic(ctx, int32(partitions), 1, nil, name)
		if err == nil {
			return nil
		}
		select { // a broker that has just started may not know itself yet
		case <-ctx.Done():
			return fmt.Errorf("topic %s: %w", name, errors.Join(err, context.Cause(ctx)))
		case <-time.After(retryPause):
		}
	}
}

// FirstAck makes a topic, produces one record to it, and returns how long
// after the start of the process that was acknowledged.
func (s *Server) FirstAck(ctx context.Context, topic string) (time.Duration, error) {
	ctx, cancel := s.While(ctx, readyTimeout)
	defer cancel()
	client, err := s.client(kgo.DefaultProduceTopic(topic), kgo.RequiredAcks(kgo.AllISRAcks()))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	if err := createTopic(ctx, client, topic, 1); err != nil {
		return 0, err
	}
	err = client.ProduceSync(ctx, kgo.StringRecord("first")).FirstErr()
	took := time.Since(s.StartedAt)
	if err != nil {
		return 0, fmt.Errorf("first record to %s: %w", s.arm.Name, err)
	}
	return took, nil
}

// Keeps says whether what it acknowledged can be read back.
func (s *Server) Keeps() bool { return s.arm.Keeps }

// HasMetrics says whether Metrics answers.
func (s *Server) HasMetrics() bool { return s.arm.seawall != "" }

// Metrics are the broker's metrics now, where it is Seawall.
func (s *Server) Metrics(ctx context.Context) (map[string]float64, error) {
	return s.broker.Metrics(ctx)
}

// Profile takes a CPU profile of Seawall for d, in whole seconds, into a file.
func (s *Server) Profile(ctx context.Context, path string, d time.Duration) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.broker.Admin, max(int(d.Seconds()), 1))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	return errors.Join(err, f.Close())
}
