package image

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

var update = flag.Bool("update", false, "write the golden files anew: only for versions that were never released")

// fill sets every field to a value of its own, and lists to two elements, so
// that a field left out of a codec shows.
func fill(v reflect.Value, n *uint64) {
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(*n)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(-int64(*n))
	case reflect.String:
		v.SetString(fmt.Sprintf("s%d", *n))
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(*n % 256)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		panic("fill: " + v.Type().String())
	}
}

func filled[T any](v T) T {
	n := uint64(0)
	fill(reflect.ValueOf(v).Elem(), &n)
	return v
}

// sample is one structure with its encoding and what decodes it.
type sample struct {
	value  any
	bytes  []byte
	decode func([]byte) (any, error)
}

// samples has every structure that is encoded, filled, by name.
func samples() map[string]sample {
	all := map[string]sample{}
	for kind, t := range recordTypes {
		r := filled(t.make())
		if r.RecordKind() != kind {
			panic(fmt.Sprintf("kind %d makes a record of kind %d", kind, r.RecordKind()))
		}
		all[t.name] = sample{r, AppendRecord(nil, r), func(b []byte) (any, error) {
			r, rest, err := DecodeRecord(b)
			if err == nil && len(rest) > 0 {
				err = errors.New("bytes left over")
			}
			return r, err
		}}
	}
	for kind, t := range commandTypes {
		cmd := filled(t.make())
		if cmd.CommandKind() != kind {
			panic(fmt.Sprintf("kind %d makes a command of kind %d", kind, cmd.CommandKind()))
		}
		req := &Request{ID: CommandID{uuid(1), 2}, AckedBelow: 1, Command: cmd}
		all["request "+t.name] = sample{req, AppendRequest(nil, req), func(b []byte) (any, error) { return DecodeRequest(b) }}
		decode := func(b []byte) (any, error) { return DecodeAnswer(b) }
		result := t.result()
		if reflect.TypeOf(result).Elem().NumField() > 0 {
			result = filled(result)
		}
		a := &Answer{Command: kind, Index: 7, Result: result}
		all["answer "+t.name] = sample{a, AppendAnswer(nil, a), decode}
	}
	refused := &Answer{Command: KindOpenWAL, Index: 7, Refusal: &Refusal{StaleNodeEpoch, "detail"}}
	all["answer refused"] = sample{refused, AppendAnswer(nil, refused), func(b []byte) (any, error) { return DecodeAnswer(b) }}
	d := Delta{Index: 5, Records: []Record{&Feature{"f", 1}, &RemoveStream{3}}}
	all["delta"] = sample{d, AppendDelta(nil, d), func(b []byte) (any, error) {
		d, _, err := DecodeDelta(b)
		return d, err
	}}
	return all
}

func TestEveryFieldIsEncoded(t *testing.T) {
	for name, s := range samples() {
		got, err := s.decode(s.bytes)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(s.value, got); diff != "" {
			t.Errorf("%s: decoded is not what was encoded (-want +got):\n%s", name, diff)
		}
	}
}

func TestGoldenBytes(t *testing.T) {
	const path = "testdata/golden.txt"
	all := samples()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s: %s\n", name, hex.EncodeToString(all[name].bytes))
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("durable bytes changed: give the structure a new version instead (-want +got):\n%s", diff)
	}
}

func TestNewerVersionsAreRefused(t *testing.T) {
	for name, s := range samples() {
		newer := bytes.Clone(s.bytes)
		newer[1]++
		_, err := s.decode(newer)
		var v *wire.VersionError
		if !errors.As(err, &v) || v.Got != v.Known+1 {
			t.Errorf("%s: %v, want a VersionError", name, err)
		}
		unknown := bytes.Clone(s.bytes)
		unknown[0] = 250
		if _, err := s.decode(unknown); err == nil {
			t.Errorf("%s: a kind nobody knows was decoded", name)
		}
	}
	var b bytes.Buffer
	if err := New().WriteSnapshot(&b); err != nil {
		t.Fatal(err)
	}
	b.Bytes()[len(snapshotMagic)]++
	var v *wire.VersionError
	if _, err := ReadSnapshot(&b); !errors.As(err, &v) {
		t.Errorf("snapshot: %v, want a VersionError", err)
	}
}

// TestCutBytesAreRefused cuts every structure at every length.
func TestCutBytesAreRefused(t *testing.T) {
	for name, s := range samples() {
		for n := range s.bytes {
			if _, err := s.decode(s.bytes[:n]); err == nil {
				t.Errorf("%s cut to %d of %d bytes was decoded", name, n, len(s.bytes))
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.bytes)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, _, err := DecodeRecord(b); err == nil {
			again, _, err := DecodeRecord(AppendRecord(nil, r))
			if err != nil || !cmp.Equal(r, again) {
				t.Errorf("record %#v becomes %#v, %v", r, again, err)
			}
		}
		if req, err := DecodeRequest(b); err == nil {
			again, err := DecodeRequest(AppendRequest(nil, req))
			if err != nil || !cmp.Equal(req, again) {
				t.Errorf("request %#v becomes %#v, %v", req, again, err)
			}
		}
		if a, err := DecodeAnswer(b); err == nil {
			again, err := DecodeAnswer(AppendAnswer(nil, a))
			if err != nil || !cmp.Equal(a, again) {
				t.Errorf("answer %#v becomes %#v, %v", a, again, err)
			}
		}
		if d, _, err := DecodeDelta(b); err == nil {
			again, _, err := DecodeDelta(AppendDelta(nil, d))
			if err != nil || !cmp.Equal(d, again) {
				t.Errorf("delta %#v becomes %#v, %v", d, again, err)
			}
		}
	})
}

func FuzzReadSnapshot(f *testing.F) {
	c := boot(f, 2)
	f.Add(snapshotBytes(f, c.img))
	f.Fuzz(func(t *testing.T, b []byte) {
		img, err := ReadSnapshot(bytes.NewReader(b))
		if err != nil {
			return
		}
		if again, err := ReadSnapshot(bytes.NewReader(snapshotBytes(t, img))); err != nil || again.index != img.index {
			t.Errorf("an accepted snapshot is not accepted again: %v", err)
		}
	})
}

// TestDamagedSnapshotsAreRefused flips every byte of a snapshot, and cuts it
// at every length.
func TestDamagedSnapshotsAreRefused(t *testing.T) {
	c := boot(t, 3)
	whole := snapshotBytes(t, c.img)
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x40
		if _, err := ReadSnapshot(bytes.NewReader(bad)); err == nil {
			t.Errorf("byte %d of %d was flipped unnoticed", i, len(whole))
		}
		if _, err := ReadSnapshot(bytes.NewReader(whole[:i])); err == nil {
			t.Errorf("cut to %d of %d bytes unnoticed", i, len(whole))
		}
	}
}
