package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

func testListOrder(t *testing.T, s objstore.Store) {
	ctx := testContext(t)
	// '-' and '.' sort before '/', '0' after it: a walk by directories alone
	// gets these wrong.
	want := []string{"a", "b-c", "b.d", "b/a", "b/a-x/y", "b/a/z", "b0", "c/d/e/f", "d", "ü"}
	shuffled := slices.Clone(want)
	slices.Reverse(shuffled)
	for i, key := range shuffled {
		if key == "b/a" {
			continue // "b/a/z" lies below it, which a file system cannot hold
		}
		mustPut(t, s, key, content(i, i))
	}
	want = slices.DeleteFunc(want, func(k string) bool { return k == "b/a" })

	for _, c := range []struct {
		prefix, after string
		max           int
		want          []string
	}{
		{"", "", 100, want},
		{"b", "", 100, []string{"b-c", "b.d", "b/a-x/y", "b/a/z", "b0"}},
		{"b/", "", 100, []string{"b/a-x/y", "b/a/z"}},
		{"b/a", "", 100, []string{"b/a-x/y", "b/a/z"}},
		{"", "b.d", 2, []string{"b/a-x/y", "b/a/z"}},
		{"", "b/a-x/y", 2, []string{"b/a/z", "b0"}},
		{"", "b/b", 100, []string{"b0", "c/d/e/f", "d", "ü"}},
		{"b", "b", 1, []string{"b-c"}},
		{"", "ü", 100, nil},
		{"nothing/here", "", 100, nil},
		{"c", "c/d/e/f", 100, nil},
	} {
		entries, err := s.List(ctx, c.prefix, c.after, c.max)
		if err != nil {
			t.Fatal(err)
		}
		if got := keysOf(entries); !slices.Equal(got, c.want) {
			t.Errorf("List(%q, after %q, %d) = %q, want %q", c.prefix, c.after, c.max, got, c.want)
		}
	}
	entries, err := s.List(ctx, "b-c", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	if size := int64(slices.Index(shuffled, "b-c")); entries[0].Size != size || entries[0].ModTime.IsZero() {
		t.Errorf("List gave %+v, want size %d and a time", entries[0], size)
	}
}

func testListPages(t *testing.T, s objstore.Store) {
	ctx := testContext(t)
	var want []string
	for i := range 25 {
		key := fmt.Sprintf("page/%02x/k", i)
		mustPut(t, s, key, []byte("x"))
		want = append(want, key)
	}
	for _, max := range []int{1, 7, 25, 26} {
		var got []string
		for after := ""; ; {
			entries, err := s.List(ctx, "page/", after, max)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, keysOf(entries)...)
			if len(entries) < max {
				break
			}
			after = entries[len(entries)-1].Key
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d give %q", max, got)
		}
	}
	stop := errors.New("stop")
	n := 0
	err := objstore.ListAll(ctx, s, "page/", func(objstore.Entry) error {
		if n++; n == 3 {
			return stop
		}
		return nil
	})
	if err != stop || n != 3 {
		t.Errorf("ListAll = %v after %d entries, want the callback's error after 3", err, n)
	}
	if _, err := s.List(context.Background(), "", "", 0); err != nil {
		t.Errorf("List of at most 0: %v", err)
	}
}

func keysOf(entries []objstore.Entry) []string {
	var keys []string
	for _, e := range entries {
		keys = append(keys, e.Key)
	}
	return keys
}
