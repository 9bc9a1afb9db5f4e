package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// dev is a running `seawall dev`.
type dev struct {
	kafka, admin string
	banner       string
	signals      chan os.Signal
	code         chan int
	stderr       bytes.Buffer // to be read after code
}

var (
	bannerKafka = regexp.MustCompile(`Kafka +(\S+)`)
	bannerAdmin = regexp.MustCompile(`admin +http://(\S+)/metrics`)
)

// startDev runs `seawall dev` on free ports until its banner is there.
func startDev(t *testing.T, dir string) *dev {
	t.Helper()
	d := &dev{signals: make(chan os.Signal, 2), code: make(chan int, 1)}
	out, stdout := io.Pipe()
	p := &process{stdout: stdout, stderr: &d.stderr, signals: func() <-chan os.Signal { return d.signals }}
	go func() {
		code := p.run(context.Background(), []string{"dev", "--dir", dir, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
			"--override", "s3.wal.path=0@file://" + dir + "/wal?capacity=64MiB&buffered=true", "--override", "memory.budget.bytes=536870912"})
		stdout.Close()
		d.code <- code
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		d.banner += lines.Text() + "\n"
		if strings.HasPrefix(lines.Text(), "Stop with") {
			break
		}
	}
	go io.Copy(io.Discard, out)
	kafka, admin := bannerKafka.FindStringSubmatch(d.banner), bannerAdmin.FindStringSubmatch(d.banner)
	if kafka == nil || admin == nil {
		t.Fatalf("no banner, exit %d\n%s\n%s", <-d.code, d.banner, d.stderr.String())
	}
	d.kafka, d.admin = kafka[1], admin[1]
	return d
}

// stop drains and expects success.
func (d *dev) stop(t *testing.T) {
	t.Helper()
	d.signals <- syscall.SIGTERM
	if code := <-d.code; code != exitDone {
		t.Errorf("after SIGTERM: exit %d\n%s", code, d.stderr.String())
	}
}

// TestDev is the whole of it: produce to a fresh broker, restart it, read back.
func TestDev(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir := t.TempDir()
	d := startDev(t, dir)
	if !strings.Contains(d.banner, "Try: ") || !strings.Contains(d.banner, dir) {
		t.Errorf("banner:\n%s", d.banner)
	}
	ready, err := http.Get("http://" + d.admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	ready.Body.Close()
	if ready.StatusCode != http.StatusOK {
		t.Errorf("/readyz says %d once the banner is there", ready.StatusCode)
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(d.kafka), kgo.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	if err := producer.ProduceSync(ctx, &kgo.Record{Topic: "tour", Value: []byte("wall and sea")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	producer.Close()
	d.stop(t)

	d = startDev(t, dir)
	consumer, err := kgo.NewClient(kgo.SeedBrokers(d.kafka), kgo.ConsumeTopics("tour"))
	if err != nil {
		t.Fatal(err)
	}
	fetched := consumer.PollFetches(ctx)
	if err := fetched.Err(); err != nil {
		t.Fatal(err)
	}
	if r := fetched.Records(); len(r) != 1 || string(r[0].Value) != "wall and sea" || r[0].Offset != 0 {
		t.Errorf("read back %v", r)
	}
	consumer.Close()
	d.stop(t)

	// What a stopped broker leaves can be looked at.
	for _, look := range []string{"wal dump " + dir + "/wal", "object ls --store file://" + dir + "/objects", "meta dump " + dir} {
		if code, _, stderr := execute(t, strings.Fields(look)...); code != exitDone {
			t.Errorf("seawall %s: exit %d, %s", look, code, stderr)
		}
	}
	_, out, _ := execute(t, "meta", "dump", dir)
	if !strings.Contains(out, "\ntour ") {
		t.Errorf("the metadata does not know the topic:\n%s", out)
	}
}
