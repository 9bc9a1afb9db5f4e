package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/history"
	"github.com/seawallmq/seawall/conformance/oracle/load"
)

// verifyTimeout bounds how long reading everything back may take.
const verifyTimeout = 10 * time.Minute

func main() {
	var cfg load.Config
	brokers := flag.String("brokers", "127.0.0.1:9092", "host:port, or several with commas")
	flag.StringVar(&cfg.Topic, "topic", fmt.Sprintf("oracle-%d", time.Now().UnixNano()), "topic to make and write")
	partitions := flag.Int("partitions", 6, "partitions of the topic")
	flag.IntVar(&cfg.Producers, "producers", 4, "idempotent producers")
	flag.IntVar(&cfg.Rate, "rate", 1000, "records a second and producer; 0: as fast as acks come")
	flag.IntVar(&cfg.InFlight, "in-flight", 1000, "records a producer has unanswered at most")
	flag.IntVar(&cfg.ValueBytes, "size", 200, "bytes of a record's value")
	seconds := flag.Float64("seconds", 10, "how long to write")
	out := flag.String("out", "", "file for the acknowledgements")
	verify := flag.String("verify", "", "judge the topic against this file, and write nothing")
	flag.Parse()
	cfg.Brokers, cfg.Partitions = strings.Split(*brokers, ","), int32(*partitions)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *verify != "" {
		err = verifyFile(ctx, cfg.Brokers, *verify)
	} else {
		err = produce(ctx, cfg, time.Duration(*seconds*float64(time.Second)), *out)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "oracle: %v\n", err)
		os.Exit(1)
	}
}

func produce(ctx context.Context, cfg load.Config, duration time.Duration, out string) error {
	l, err := load.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer l.Close()
	select {
	case <-time.After(duration):
	case <-ctx.Done():
	}
	latency := l.TakeLatency()
	verifyCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), verifyTimeout)
	defer cancel()
	reading, err := l.Verify(verifyCtx)
	sent, acked := l.Counts()
	fmt.Printf("%d sent, %d acknowledged; ack p50 %.2f ms, p99 %.2f ms\n", sent, acked,
		float64(latency.ValueAtQuantile(50))/1000, float64(latency.ValueAtQuantile(99))/1000)
	printReading(reading)
	if out != "" {
		err = errors.Join(err, l.History(func(h *history.History) error { return writeLog(h, out, cfg.Topic) }))
	}
	return err
}

func writeLog(h *history.History, path, topic string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(h.WriteLog(f, topic), f.Close())
}

func verifyFile(ctx context.Context, brokers []string, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h, topic, err := history.ReadLog(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	reading, err := load.VerifyLog(ctx, brokers, topic, h)
	fmt.Printf("%d acknowledged earlier\n", h.AckedCount())
	printReading(reading)
	return err
}

func printReading(r load.Reading) {
	fmt.Printf("%d records read back, %.1f MB, in %v\n", r.Records, float64(r.Bytes)/1e6, r.Duration.Round(time.Millisecond))
}
