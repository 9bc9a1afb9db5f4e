package ids

import (
	"bytes"
	"testing"
)

func TestUUIDTextForms(t *testing.T) {
	u := NewUUID(func(p []byte) { copy(p, bytes.Repeat([]byte{0xff}, 16)) })
	if u[6]>>4 != 4 || u[8]>>6 != 2 {
		t.Fatalf("%x is not a version 4 UUID", u)
	}
	for _, s := range []string{u.String(), u.Hex()} {
		got, err := ParseUUID(s)
		if err != nil || got != u {
			t.Errorf("ParseUUID(%q) = %v, %v; want %v", s, got, err, u)
		}
	}
	for _, s := range []string{"", "short", "!!!!!!!!!!!!!!!!!!!!!!", "zz000000000000000000000000000000"} {
		if _, err := ParseUUID(s); err == nil {
			t.Errorf("ParseUUID(%q) gave no error", s)
		}
	}
}
