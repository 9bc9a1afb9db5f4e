package objfmt

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func references() []Reference {
	refs := []Reference{
		{FirstOffset: 5, Offsets: 10, ZoneObject: 0x77, Position: 0x1000, Length: 0x200},
		{FirstOffset: 15, Offsets: 1, ZoneObject: 0x78, Position: 0, Length: 61},
	}
	for i := range refs[0].Header {
		refs[0].Header[i] = byte(i)
	}
	return refs
}

func TestReferencesGolden(t *testing.T) {
	p := AppendReferences(nil, references())
	const want = "00010000" + "00000002" +
		"0000000000000005" + "0000000000000077" + "0000000000001000" + "0000000a" + "00000200" +
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" +
		"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c" + "000000" +
		"000000000000000f" + "0000000000000078" + "0000000000000000" + "00000001" + "0000003d" +
		"0000000000000000000000000000000000000000000000000000000000000000" +
		"0000000000000000000000000000000000000000000000000000000000" + "000000"
	if got := hex.EncodeToString(p); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got, err := ParseReferences(p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(references(), got); diff != "" {
		t.Error(diff)
	}
}

func TestReferencesRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(p []byte) []byte
		want   error
	}{
		"version N+1":       {func(p []byte) []byte { p[1] = 2; return p }, ErrNewer},
		"version 0":         {func(p []byte) []byte { p[1] = 0; return p }, ErrCorrupt},
		"short":             {func(p []byte) []byte { return p[:7] }, ErrCorrupt},
		"truncated":         {func(p []byte) []byte { return p[:len(p)-1] }, ErrCorrupt},
		"count":             {func(p []byte) []byte { binary.BigEndian.PutUint32(p[4:], 1<<32-1); return p }, ErrCorrupt},
		"overlap":           {func(p []byte) []byte { p[8+7] = 6; return p }, ErrCorrupt},
		"negative offset":   {func(p []byte) []byte { p[8] = 0x80; return p }, ErrCorrupt},
		"offset overflows":  {func(p []byte) []byte { binary.BigEndian.PutUint64(p[8+96:], 1<<63-1); return p }, ErrCorrupt},
		"negative position": {func(p []byte) []byte { p[8+16] = 0x80; return p }, ErrCorrupt},
		"zone object 0":     {func(p []byte) []byte { p[8+15] = 0; return p }, ErrCorrupt},
		"below a header":    {func(p []byte) []byte { p[8+96+31] = 60; return p }, ErrCorrupt},
		"padding":           {func(p []byte) []byte { p[8+95] = 1; return p }, ErrCorrupt},
	} {
		if _, err := ParseReferences(c.change(AppendReferences(nil, references()))); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}
