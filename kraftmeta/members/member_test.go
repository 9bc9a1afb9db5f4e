package members

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

var sample = Member{
	Node: 3, IsBroker: true, IsController: true, Zone: "a", Address: "h:1", Controller: "h:2",
	Hints: Hints{Load: 300, Trouble: "why"},
}

// goldenMember is sample, version 1.
const goldenMember = "010100000013060101016103683a3103683a32ac0203776879"

func TestMemberFormat(t *testing.T) {
	frame := sample.encode(512)
	if got := hex.EncodeToString(frame); got != goldenMember {
		t.Errorf("the format has changed: %s", got)
	}
	golden, err := hex.DecodeString(goldenMember)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeMember(golden); err != nil || got != sample {
		t.Errorf("%+v, %v", got, err)
	}
	later := wire.AppendFrame(nil, memberKind, memberVersion+1, sample.fields)
	if _, err := decodeMember(later); !errors.As(err, new(*wire.VersionError)) {
		t.Errorf("a later version: %v", err)
	}
	if _, err := decodeMember(wire.AppendFrame(nil, memberKind+1, memberVersion, sample.fields)); err == nil {
		t.Error("another kind is read")
	}
	if _, err := decodeMember(append(frame, 0)); err == nil {
		t.Error("bytes after it are read over")
	}
}

func TestMemberIsCutToFit(t *testing.T) {
	x := sample
	x.Trouble = strings.Repeat("trouble ", 100)
	frame := x.encode(512)
	if len(frame) == 0 || len(frame) > 512 {
		t.Fatalf("%d bytes", len(frame))
	}
	got, err := decodeMember(frame)
	if err != nil || got.Trouble == "" || !strings.HasPrefix(x.Trouble, got.Trouble) {
		t.Errorf("%+v, %v", got, err)
	}
	got.Trouble = x.Trouble
	if d := cmp.Diff(x, got); d != "" {
		t.Error(d)
	}
	x.Zone = strings.Repeat("z", 512)
	if x.encode(512) != nil {
		t.Error("a zone that does not fit is told")
	}
}

func FuzzMember(f *testing.F) {
	f.Add(sample.encode(512))
	f.Fuzz(func(t *testing.T, src []byte) {
		x, err := decodeMember(src)
		if err != nil {
			return
		}
		if again, err := decodeMember(x.encode(1 << 30)); err != nil || again != x {
			t.Errorf("%+v became %+v, %v", x, again, err)
		}
	})
}
