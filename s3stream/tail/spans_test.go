package tail

import "testing"

// What is known of openings does not grow with the topics that come and go.
func TestEndedOpeningsAreForgotten(t *testing.T) {
	w := &WAL{Window: Window{spans: newSpans()}}
	w.Begin(1, 1, 0)
	w.End(1, 1, 0, 0) // nothing appended
	w.Begin(2, 1, 0)
	w.End(2, 1, 10, 10) // all in objects
	w.Begin(3, 1, 0)
	w.End(3, 1, 10, 5) // to be uploaded yet
	if n := len(w.spans.streams); n != 1 {
		t.Fatalf("%d streams kept", n)
	}
	if got := w.spans.cut(3, 5, 20); len(got) != 1 || got[0] != (Span{1, 5, 10}) {
		t.Fatalf("what is to be uploaded: %+v", got)
	}
	w.Begin(3, 2, 10) // again, before that
	w.spans.forget(3, 10)
	if got := w.spans.cut(3, 0, 20); len(got) != 1 || got[0] != (Span{2, 10, 20}) {
		t.Fatalf("the opening that goes on: %+v", got)
	}
}
