package objfmt

import (
	"strings"
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
)

func TestKey(t *testing.T) {
	attempt := ids.UUID{0: 0xab, 15: 0xcd}
	k := KeyParts{Object: 0x1234, Cluster: "4L6g3nShT-eMCtK--X86sw", Attempt: attempt}
	const want = "4321000000000000/4L6g3nShT-eMCtK--X86sw/ab0000000000000000000000000000cd"
	if k.Key() != want {
		t.Errorf("Key = %s, want %s", k.Key(), want)
	}
	if p := k.Prefix(); !strings.HasPrefix(want, p) || p == (KeyParts{Object: 0x234, Cluster: k.Cluster}).Prefix() || p == (KeyParts{Object: k.Object, Cluster: "x"}).Prefix() {
		t.Errorf("Prefix = %s", p)
	}
	got, err := ParseKey(want)
	if err != nil || got != k {
		t.Errorf("ParseKey = %+v, %v", got, err)
	}
	for _, bad := range []string{
		"", "/", "meta/snapshot", strings.ToUpper(want), want + "/x", want[1:], "x" + want[1:],
		strings.Replace(want, "4L6g3nShT-eMCtK--X86sw", "", 1), strings.Replace(want, "4L6", "4L/6", 1),
		"+321000000000000/c/ab0000000000000000000000000000cd", want[:len(want)-32] + attempt.String(),
	} {
		if k, err := ParseKey(bad); err == nil {
			t.Errorf("ParseKey(%q) = %+v, want an error", bad, k)
		}
	}
}
