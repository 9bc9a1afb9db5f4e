package kraftmeta

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// TestLogIsCutBehindSnapshots: what a directory holds does not grow with the
// number of commands.
func TestLogIsCutBehindSnapshots(t *testing.T) {
	const keep = 16
	dir := t.TempDir()
	n := openNode(t, Options{Dir: dir, Node: 1, SnapshotCommands: 64, KeepCommands: keep})
	n.register(t)
	for range 3 {
		for range 50 {
			must(t, n, &image.AllocateProducerIDs{Node: 1, NodeEpoch: 1, Count: 1})
		}
		if err := n.raft.Snapshot().Error(); err != nil {
			t.Fatal(err)
		}
	}
	first, _ := n.store.FirstIndex()
	last, _ := n.store.LastIndex()
	if last-first > keep+1 {
		t.Errorf("entries %d to %d are kept, want %d", first, last, keep)
	}
	if kept, err := os.ReadDir(filepath.Join(dir, "snapshots")); err != nil || len(kept) != snapshotsKept {
		t.Errorf("%d snapshots are kept: %v", len(kept), err)
	}
	must(t, n, &image.AllocateProducerIDs{Node: 1, NodeEpoch: 1, Count: 1})
	wantIn(t, dump(t, dir), fmt.Sprintf("metadata at index %d", last), "1 commands past the snapshot", "producer 151")
	n.close(t)

	n = openNode(t, Options{Dir: dir, Node: 1})
	if got := n.Image().NextID(image.ProducerIDCounter); got != 151 {
		t.Errorf("%d producer ids were given out before the restart, want 151", got)
	}
}

// TestDamageIsReported breaks a directory in several ways, each of which must
// be an error that names the file.
func TestDamageIsReported(t *testing.T) {
	good := t.TempDir()
	n := openNode(t, Options{Dir: good, Node: 1})
	n.register(t)
	for i := range 40 {
		must(t, n, &image.CreateTopics{Topics: []image.NewTopic{{
			Name: fmt.Sprintf("needle-%d", i), ID: newUUID(), Leaders: []ids.NodeID{1},
		}}})
	}
	n.close(t)
	log, err := os.ReadFile(filepath.Join(good, logFile))
	if err != nil {
		t.Fatal(err)
	}
	inEntry := strings.Index(string(log), "needle-7")
	flip := func(at int) []byte {
		b := append([]byte(nil), log...)
		b[at] ^= 1
		return b
	}
	zeroed := append([]byte(nil), log...)
	clear(zeroed[2*os.Getpagesize():])
	for name, broken := range map[string][]byte{
		"an entry":       flip(inEntry),
		"nothing":        []byte("this is no log at all"),
		"cut":            log[:2*os.Getpagesize()],
		"zeroed":         zeroed,
		"half the pages": log[:len(log)/2/os.Getpagesize()*os.Getpagesize()],
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, logFile)
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Open(Options{Dir: dir, Node: 1, Random: random})
		if err == nil {
			_ = c.Close()
			if name != "half the pages" { // what was cut off may have been free
				t.Errorf("%s: opened", name)
			}
			continue
		}
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want ErrDamaged and the path", name, err)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "newer": "version=2\n", "no cluster": "version=1\nnode.id=1\n", "no node": "version=1\ncluster.id=x\n",
	} {
		path := filepath.Join(good, identityFile)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Options{Dir: good, Node: 1, Random: random}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s identity: %v", name, err)
		}
	}
}

// TestFailedWriteStopsTheController: nothing is written after a write failed,
// and the process lives to tell.
func TestFailedWriteStopsTheController(t *testing.T) {
	n := openNode(t, Options{Dir: t.TempDir(), Node: 1})
	n.register(t)
	if err := n.store.db.Close(); err != nil { // as if the disk were gone
		t.Fatal(err)
	}
	req := &image.Request{
		ID:      image.CommandID{Issuer: newUUID(), Sequence: 1},
		Command: &image.AllocateProducerIDs{Node: 1, NodeEpoch: 1, Count: 1},
	}
	if _, err := n.Submit(testContext(t), req); !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("the command whose write failed: %v, want ErrUnknownOutcome", err)
	}
	<-n.Failed()
	if _, err := n.Submit(testContext(t), req); err == nil || n.Err() == nil {
		t.Errorf("the next: %v, failed with %v", err, n.Err())
	}
}

// TestNewerEntryStopsTheController: a command of a newer program cannot be
// skipped, nor guessed at.
func TestNewerEntryStopsTheController(t *testing.T) {
	n := openNode(t, Options{Dir: t.TempDir(), Node: 1})
	req := image.AppendRequest(nil, &image.Request{
		ID: image.CommandID{Issuer: newUUID(), Sequence: 1}, Command: &image.DeleteTopics{},
	})
	req[1]++ // its version
	before := n.Image()
	f := n.raft.Apply(req, 0)
	if err := f.Error(); err != nil {
		t.Fatal(err)
	}
	<-n.Failed()
	if n.Image() != before || !strings.Contains(n.Err().Error(), "newer program") {
		t.Errorf("failed with %v", n.Err())
	}
}

func TestLogEntryForm(t *testing.T) {
	l := &raft.Log{
		Term: 2, Type: raft.LogBarrier, AppendedAt: time.Unix(0, 5), Data: []byte("data"), Extensions: []byte("ext"),
	}
	b := appendEntry(nil, l)
	const want = "01" + "31e6d4ad" + "04" + "0000000000000002" + "0000000000000005" + "00000003" + "657874" + "64617461"
	if got := fmt.Sprintf("%x", b); got != want {
		t.Errorf("durable bytes changed: %s, want %s", got, want)
	}
	var got raft.Log
	if err := decodeEntry(b, &got); err != nil || string(got.Data) != "data" || string(got.Extensions) != "ext" || got.Term != 2 ||
		!got.AppendedAt.Equal(l.AppendedAt) {
		t.Errorf("decoded %+v, %v", got, err)
	}
	b[0]++
	if err := decodeEntry(b, &got); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("version N+1: %v", err)
	}
	for n := range len(b) - 1 {
		if decodeEntry(b[:n], &got) == nil {
			t.Errorf("cut to %d bytes: decoded", n)
		}
	}
}

// TestDeathWhileBootstrapping leaves what a process may that dies between the
// two first writes of consensus.
func TestDeathWhileBootstrapping(t *testing.T) {
	dir := t.TempDir()
	if _, err := claimDir(dir, identity{node: 1}, newUUID); err != nil {
		t.Fatal(err)
	}
	s, err := openLogStore(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.SetUint64(termKey, 1), s.close()); err != nil {
		t.Fatal(err)
	}
	n := openNode(t, Options{Dir: dir, Node: 1})
	if e := n.register(t); e != 1 {
		t.Errorf("node epoch %d", e)
	}
}
