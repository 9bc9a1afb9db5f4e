package recycle

import "testing"

func TestSize(t *testing.T) {
	for n := 0; n < 1<<20; n += 37 {
		size := Size(n)
		if size < n || size > max(bytesMin, n+n/4) {
			t.Fatalf("%d bytes get %d", n, size)
		}
		if Size(size) != size {
			t.Fatalf("a buffer of %d bytes would be given back as %d", size, Size(size))
		}
	}
}

func TestTheWarmestLeavesFirst(t *testing.T) {
	b := NewBuffers(1 << 20)
	first, second := b.Get(5000), b.Get(5000)
	b.Put(first)
	b.Put(second)
	if got := b.Get(4900); &got[:1][0] != &second[:1][0] || len(got) != 0 {
		t.Error("another one than was given back last")
	}
	if got := b.Get(5000); &got[:1][0] != &first[:1][0] {
		t.Error("the other one was not kept")
	}
	if b.kept != 0 {
		t.Errorf("%d bytes kept", b.kept)
	}
}

func TestKeepsNoMoreThanItMay(t *testing.T) {
	b := NewBuffers(4 * bytesMin)
	var all [][]byte
	for range 6 {
		all = append(all, b.Get(1))
	}
	for _, p := range all {
		b.Put(p)
	}
	if n := len(b.free[bytesMin]); n != 4 || b.kept != 4*bytesMin {
		t.Errorf("%d buffers and %d bytes kept", n, b.kept)
	}
	b.Put(make([]byte, bytesMin+1))
	b.Put(make([]byte, 8*bytesMin))
	if len(b.free) != 1 || b.kept != 4*bytesMin {
		t.Errorf("kept what it did not make, or cannot: %d sizes, %d bytes", len(b.free), b.kept)
	}
	b.Put(b.Get(2 * bytesMin)) // sizes that are not wanted any more make room
	if n := len(b.free[2*bytesMin]); n != 1 || b.kept > 4*bytesMin {
		t.Errorf("%d buffers of the new size, %d bytes kept", n, b.kept)
	}
}
