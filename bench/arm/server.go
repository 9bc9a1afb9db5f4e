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
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/conformance/proc"
)

const (
	// readyTimeout bounds a start, recovery included.
	readyTimeout = 2 * time.Minute
	// retryPause is short, so that a start is not rounded up to it.
	retryPause = 2 * time.Millisecond
	// versionTimeout bounds what is only for the report.
	versionTimeout = 5 * time.Second
)

// Server is a running broker with its data in a folder of its own, or one that
// runs elsewhere.
type Server struct {
	Addr string
	// StartedAt is when its process was started.
	StartedAt time.Time

	arm     Arm
	broker  *proc.Broker  // nil of one that runs elsewhere
	process *proc.Process // likewise
}

// IsOurs says whether the broker is a process that was started here, so that what
// it uses is known and it is to be killed.
func (s *Server) IsOurs() bool { return s.process != nil }

// Start starts the broker with its data below dir, and waits until it listens.
func (a Arm) Start(ctx context.Context, dir string) (*Server, error) {
	if a.addr != "" {
		return &Server{Addr: a.addr, StartedAt: time.Now(), arm: a}, nil
	}
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
	if !s.IsOurs() {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := s.broker.WaitReady(ctx, s.process)
	return time.Since(s.StartedAt), err
}

// Kill ends the broker at once, if it is ours.
func (s *Server) Kill() {
	if s.IsOurs() {
		s.process.Kill9()
	}
}

// While is a context that ends with the broker's process too.
func (s *Server) While(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if !s.IsOurs() {
		return context.WithTimeout(ctx, timeout)
	}
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
	for again := false; ; again = true {
		_, err := admin.CreateTopic(ctx, int32(partitions), 1, nil, name)
		switch exists := errors.Is(err, kerr.TopicAlreadyExists); {
		case err == nil || again && exists: // an attempt whose answer was lost
			return nil
		case exists:
			return fmt.Errorf("topic %s: %w", name, err)
		}
		select { // a broker that has just started may not know itself yet
		case <-ctx.Done():
			return fmt.Errorf("topic %s: %w", name, errors.Join(err, context.Cause(ctx)))
		case <-time.After(retryPause):
		}
	}
}

// DeleteTopics deletes topics and groups of a broker that is to be left as it
// was.
func (s *Server) DeleteTopics(ctx context.Context, topics, groups []string) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	deleted, err := admin.DeleteTopics(ctx, topics...)
	if err == nil {
		err = deleted.Error()
	}
	if len(groups) > 0 {
		left, groupErr := admin.DeleteGroups(ctx, groups...)
		err = errors.Join(err, groupErr, left.Error())
	}
	if err != nil {
		return fmt.Errorf("%s: deleting what the harness made: %w", s.arm.Name, err)
	}
	return nil
}

// Version is what the broker says of itself: for most, of which version of Kafka it
// has the protocol. It is empty if it says nothing that is known.
func (s *Server) Version(ctx context.Context) string {
	client, err := s.client()
	if err != nil {
		return ""
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	brokers, err := kadm.NewClient(client).ApiVersions(ctx)
	if err != nil || len(brokers) == 0 {
		return ""
	}
	return brokers.Sorted()[0].VersionGuess()
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
