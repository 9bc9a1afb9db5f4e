package node

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/node/status"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// outage is a cluster of three with a WAL each that nobody else reaches, of which
// the third has died: with records in objects, and since then some in its WAL
// alone.
type outage struct {
	*cluster
	store *faultyS3
	log   *log
	led   []int32 // by the third node when it died
	moved int32   // a partition that it had handed to the first before, which went on
	files []string
	aside string
}

// In each partition of an outage, these offsets are in objects, then those in
// the WAL of its leader; past that, the partition that was moved has some more.
const inObjects, inWAL = 20, 30

func newOutage(t *testing.T) *outage {
	t.Helper()
	o := &outage{store: startFaultyS3(t)}
	o.cluster = newCluster(t, "broker,controller", "broker,controller", "broker,controller")
	o.aside = t.TempDir()
	for _, s := range o.sources {
		s["s3.data.buckets"], s["broker.session.timeout.ms"] = o.store.url, "1500"
		s["s3.wal.upload.interval.ms"], s["autobalancer.controller.enable"] = "300", "false"
		s["s3.wal.path"] = strings.Replace(s["s3.wal.path"], "?", "?buffered=true&", 1)
	}
	o.start()
	o.log = o.topic("t", 6)
	o.log.produce(inObjects)
	o.until("all of it to be in objects", func() bool {
		return o.each(func(p *image.Partition, s *image.Stream) bool { return s.CommittedEnd == inObjects })
	})
	o.store.mode.Store("500")
	o.log.produce(inWAL - inObjects)
	o.each(func(p *image.Partition, s *image.Stream) bool {
		if p.Leader == 3 {
			o.led = append(o.led, p.Index)
		}
		return true
	})
	if len(o.led) < 2 {
		t.Fatalf("node 3 leads %v", o.led)
	}
	o.moved, o.led = o.led[0], o.led[1:]
	topic, _ := o.image().TopicByName("t")
	p, _ := o.image().Partition(topic.ID, o.moved)
	o.move(p, 1)
	o.until("the partition to be moved", func() bool { return o.nodes[0].serves("t", o.moved) })
	o.log.produce(10)

	dead := o.nodes[2]
	path := dead.cfg.WAL.Path
	o.drop(dead)
	var err error
	if o.files, err = filepath.Glob(path + "*"); err != nil || len(o.files) == 0 {
		t.Fatalf("no WAL at %s: %v", path, err)
	}
	for _, f := range o.files {
		if err := os.Rename(f, filepath.Join(o.aside, filepath.Base(f))); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// bringBack puts the lost WAL back in its place.
func (o *outage) bringBack() {
	o.t.Helper()
	for _, f := range o.files {
		if err := os.Rename(filepath.Join(o.aside, filepath.Base(f)), f); err != nil {
			o.t.Fatal(err)
		}
	}
}

func (o *outage) image() *image.Image { return o.nodes[0].metadata.Image() }

// each says whether something is so of each partition.
func (o *outage) each(is func(p *image.Partition, s *image.Stream) bool) bool {
	img := o.image()
	topic, ok := img.TopicByName("t")
	if !ok {
		return false
	}
	for p := range img.Partitions(topic.ID) {
		s, ok := img.Stream(p.Stream)
		if !ok || !is(p, s) {
			return false
		}
	}
	return true
}

// asked is what a node's admin listener answers.
func (o *outage) asked(n *Node, path string, form url.Values) (code int, body string) {
	o.t.Helper()
	at := "http://" + n.AdminAddr() + path
	var resp *http.Response
	var err error
	if form == nil {
		resp, err = http.Get(at)
	} else {
		resp, err = http.PostForm(at, form)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// wantReported wants the partitions that wait for the WAL to be reported offline
// by everything that operators and clients ask.
func (o *outage) wantReported() {
	o.t.Helper()
	n := o.nodes[0]
	offline := func() (told []int32) {
		_, body := o.asked(n, "/v1/status", nil)
		var c status.Cluster
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			o.t.Fatal(err)
		}
		for _, p := range c.Offline {
			if p.Topic == "t" && strings.Contains(p.Why, "out of reach") {
				told = append(told, p.Index)
			}
		}
		return told
	}
	o.until("the partitions to be offline, with living leaders", func() bool {
		return len(offline()) == len(o.led) && leads(o.image(), 3) == 0
	})
	o.until("a leader that is ready, but not with all of its partitions, and says why", func() bool {
		for _, n := range o.nodes[:2] { // each has its own image, and counts when it has looked
			ready, told := o.asked(n, "/readyz", nil)
			code, body := o.asked(n, "/readyz?partitions=all", nil)
			says := ready == http.StatusOK && strings.Contains(told, o.files[0]) && strings.Contains(body, "wait: ") && strings.Contains(body, o.files[0]) &&
				strings.Contains(body, "out of reach") && strings.Contains(body, "seawall wal abandon")
			if code == http.StatusServiceUnavailable && says {
				return true
			}
		}
		return false
	})
	_, metrics := o.asked(n, "/metrics", nil)
	wantWords(o.t, metrics, "seawall_wals_out_of_reach 1\n", "seawall_partitions_offline ")
	meta, err := kadm.NewClient(o.log.cl).Metadata(deadline(o.t), "t")
	if err != nil {
		o.t.Fatal(err)
	}
	for _, index := range o.led {
		if p := meta.Topics["t"].Partitions[index]; p.Leader != -1 || p.Err == nil {
			o.t.Errorf("clients are told of partition %d: %+v", index, p)
		}
	}
}

// losses is what the cluster says would be lost with the WALs of node 3.
func (o *outage) losses() status.LostWAL {
	o.t.Helper()
	code, body := o.asked(o.nodes[0], "/v1/wal/losses?wal=3", nil)
	var l status.Losses
	if err := json.NewDecoder(bytes.NewBufferString(body)).Decode(&l); err != nil || code != http.StatusOK || len(l.WALs) != 1 {
		o.t.Fatalf("losses: %d %s: %v", code, body, err)
	}
	return l.WALs[0]
}

// TestAbandon: nobody can reach a WAL, and it is given up. Its partitions go on
// where the metadata knows their end; what comes after a part that is lost is
// read; the node comes back, with the file, too late.
func TestAbandon(t *testing.T) {
	o := newOutage(t)
	o.wantReported()
	lost := o.losses()
	want := map[int32]status.LostPart{o.moved: {Topic: "t", Index: o.moved, From: inObjects, End: inWAL}}
	for _, p := range o.led {
		want[p] = status.LostPart{Topic: "t", Index: p, From: inObjects, End: -1}
	}
	for _, p := range lost.Parts {
		if p.Topic == "t" && p != want[p.Index] {
			t.Errorf("lost: %+v, want %+v", p, want[p.Index])
		}
		delete(want, p.Index)
	}
	if len(want) > 0 || !lost.OutOfReach {
		t.Errorf("not told: %v; %+v", want, lost)
	}

	form := url.Values{"instance": {lost.Instance}, "holder": {"3"}, "epoch": {"99"}}
	if code, body := o.asked(o.nodes[1], "/v1/wal/abandon", form); code != http.StatusConflict {
		t.Fatalf("given up as another holder's: %d %s", code, body)
	}
	form.Set("epoch", lost.HolderEpoch.String())
	o.refusedAtFirstLevel(form)
	if code, body := o.asked(o.nodes[1], "/v1/wal/abandon", form); code != http.StatusOK {
		t.Fatalf("given up: %d %s", code, body)
	}
	o.store.mode.Store("") // what is known of producers is in objects alone
	o.until("the partitions to be led", func() bool {
		return o.each(func(p *image.Partition, s *image.Stream) bool {
			return p.Leader >= 1 && p.Leader <= 2 && o.nodes[p.Leader-1].serves("t", p.Index)
		})
	})
	for _, p := range o.led {
		o.log.acked[p] = inObjects
	}
	o.log.gaps = map[int32]gap{o.moved: {inObjects, inWAL}}
	o.log.produce(5)
	o.log.check()

	o.bringBack()
	o.start()
	o.log.produce(5)
	o.log.check()
	o.until("everything to be in objects", func() bool {
		return o.each(func(p *image.Partition, s *image.Stream) bool { return s.CommittedEnd == int64(o.log.acked[p.Index]) })
	})
	o.log.check()
	for w := range o.image().WALs() {
		if id, _ := ids.ParseUUID(lost.Instance); w.Instance == id {
			t.Errorf("the WAL is still there: %+v", w)
		}
	}
	o.until("all nodes to be ready", func() bool {
		for _, n := range o.nodes {
			if code, _ := o.asked(n, "/readyz?partitions=all", nil); code != http.StatusOK {
				return false
			}
		}
		return true
	})
}

// TestWALComesBack: nobody can reach a WAL, until its node is back with it.
func TestWALComesBack(t *testing.T) {
	o := newOutage(t)
	o.wantReported()
	o.bringBack()
	o.start()
	o.store.mode.Store("")
	o.log.produce(5)
	o.log.check()
	if code, body := o.asked(o.nodes[0], "/v1/wal/losses?wal=3", nil); code != http.StatusConflict {
		t.Errorf("losses of a WAL that is held: %d %s", code, body)
	}
}
