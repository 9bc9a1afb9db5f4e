package history

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// script builds a history of values sent to partition 0 by producer 0 and 1.
type script struct{ *History }

func newScript() script {
	h := New(true)
	for seq := range int64(5) {
		h.Sent(Value{0, seq}, 0)
		h.Sent(Value{1, seq}, 0)
	}
	return script{h}
}

func (s script) ack(producer int, seq, offset int64) {
	s.Acked(Value{producer, seq}, Position{0, offset})
}

// read lets a reader see values of producer 0 from an offset on; -1 passes an offset over.
func (s script) read(name string, from int64, seqs ...int64) {
	for i, seq := range seqs {
		if seq >= 0 {
			s.Read(name, Value{0, seq}, Position{0, from + int64(i)})
		}
	}
}

func TestFindings(t *testing.T) {
	for name, test := range map[string]struct {
		play func(s script)
		want []Kind
	}{
		"nothing wrong": {func(s script) {
			s.ack(0, 0, 0)
			s.read("a", 0, 0, 1) // 1 is never acknowledged: unknown, and may be there
			s.ack(0, 2, 2)
			s.read("a", 2, 2)
			s.read("b", 1, 1, 2) // another reader begins anywhere
		}, nil},
		"what is not acknowledged may be missing": {func(s script) { s.ack(0, 1, 0); s.read("a", 0, 1) }, nil},
		"an ack without a read":                   {func(s script) { s.ack(0, 0, 0); s.ack(0, 1, 1); s.read("a", 0, 0) }, []Kind{Lost}},
		"a value stored twice":                    {func(s script) { s.read("a", 0, 0, 1, 0) }, []Kind{TwoOffsets}},
		"acknowledged elsewhere than read":        {func(s script) { s.ack(0, 0, 3); s.read("a", 0, 0) }, []Kind{TwoOffsets}},
		"acknowledged twice, at two offsets":      {func(s script) { s.ack(0, 0, 0); s.ack(0, 0, 1); s.read("a", 0, 0) }, []Kind{TwoOffsets}},
		"two acks at one offset":                  {func(s script) { s.ack(0, 0, 0); s.ack(1, 0, 0); s.read("a", 0, 0) }, []Kind{TwoValues, Lost}},
		"an offset given anew after it was read":  {func(s script) { s.read("a", 0, 0); s.read("b", 0, 1) }, []Kind{TwoValues}},
		"a reader sees an offset again":           {func(s script) { s.read("a", 0, 0, 1); s.read("a", 1, 1) }, []Kind{WentBack}},
		"a reader passes an offset over":          {func(s script) { s.read("a", 0, 0, -1, 1) }, []Kind{LeftOut}},
		"order of a producer":                     {func(s script) { s.read("a", 0, 0, 2, 1) }, []Kind{Reordered}},
		"nobody sent it":                          {func(s script) { s.read("a", 0, 7) }, []Kind{Invented}},
		"an unknown producer":                     {func(s script) { s.Read("a", Value{9, 0}, Position{0, 0}) }, []Kind{Invented}},
		"another partition":                       {func(s script) { s.Read("a", Value{0, 0}, Position{1, 0}) }, []Kind{WrongPartition}},
		"an absurd offset":                        {func(s script) { s.ack(0, 0, 1<<60) }, []Kind{Absurd, Lost}},
		"order of two producers is free": {func(s script) {
			s.Read("a", Value{1, 0}, Position{0, 0})
			s.read("a", 1, 0)
			s.Read("a", Value{1, 1}, Position{0, 2})
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript()
			test.play(s)
			findings, more := s.Findings()
			var kinds []Kind
			for _, f := range findings {
				kinds = append(kinds, f.Kind)
			}
			if !slices.Equal(kinds, test.want) || more != 0 {
				t.Errorf("found %v and %d more, want %q", findings, more, test.want)
			}
		})
	}
}

// Judging twice says the same twice, and what was lost is not lost once it is read.
func TestFindingsAgain(t *testing.T) {
	s := newScript()
	s.ack(0, 0, 0)
	for range 2 {
		if list, _ := s.Findings(); len(list) != 1 || list[0].Kind != Lost {
			t.Fatalf("found %v, want one loss", list)
		}
	}
	s.read("a", 0, 0)
	if list, _ := s.Findings(); len(list) != 0 {
		t.Errorf("found %v after the read", list)
	}
}

func TestFindingsAreBounded(t *testing.T) {
	h := New(true)
	for seq := range int64(findingsMax + 10) {
		h.Sent(Value{0, seq}, 0)
		h.Acked(Value{0, seq}, Position{0, seq})
	}
	if list, more := h.Findings(); len(list) != findingsMax || more != 10 {
		t.Errorf("%d findings and %d more, want %d and 10", len(list), more, findingsMax)
	}
}

func TestLog(t *testing.T) {
	s := newScript()
	s.ack(0, 0, 0)
	s.ack(0, 1, 2)
	s.ack(1, 0, 1)
	var buf bytes.Buffer
	if err := s.WriteLog(&buf, "topic-a"); err != nil {
		t.Fatal(err)
	}
	h, topic, err := ReadLog(bytes.NewReader(buf.Bytes()))
	if err != nil || topic != "topic-a" {
		t.Fatalf("topic %q, %v", topic, err)
	}
	if h.AckedCount() != 3 || h.SentCount() != 10 {
		t.Errorf("%d acked of %d sent, want 3 of 10", h.AckedCount(), h.SentCount())
	}
	h.Read("a", Value{5, 5}, Position{0, 9})
	list, _ := h.Findings()
	if len(list) != 4 || list[0].Kind != Invented {
		t.Errorf("found %v, want one invented and three lost", list)
	}

	cut := buf.String()[:strings.Index(buf.String(), "complete")]
	h, _, err = ReadLog(strings.NewReader(cut))
	if err != nil {
		t.Fatal(err)
	}
	h.Read("a", Value{0, 70}, Position{0, 9})
	list, _ = h.Findings()
	if len(list) != 3 || list[0].Kind != Lost {
		t.Errorf("found %v after a log that was cut short, want three lost", list)
	}
}

func TestReadLogRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":       "",
		"another file":  "hello 1 topic\n",
		"a later form":  "seawall-oracle 2 topic\n",
		"another word":  "seawall-oracle 1 topic\nlost 0 0 0\n",
		"a bad number":  "seawall-oracle 1 topic\nacked 0 zero 0 0\n",
		"a short line":  "seawall-oracle 1 topic\nacked 0 0 0\n",
		"a number gone": "seawall-oracle 1 topic\nacked 0 1 0 0\n",
		"a wild number": "seawall-oracle 1 topic\nacked 99999999 0 0 0\n",
	} {
		if _, _, err := ReadLog(strings.NewReader(text)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
