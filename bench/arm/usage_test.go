package arm

import (
	"os"
	"testing"
	"time"
)

func TestParseCPU(t *testing.T) {
	const stat = "42 (a) b (c)) S 1 2 3 0 -1 4194304 9 0 0 0 150 25 0 0 20 0 8 0 100 1 2"
	cpu, err := parseCPU([]byte(stat))
	if err != nil || cpu != 1750*time.Millisecond {
		t.Errorf("%v, %v", cpu, err)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1"} {
		if _, err := parseCPU([]byte(bad)); err == nil {
			t.Errorf("took %q", bad)
		}
	}
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	if cpu, err := parseCPU(own); err != nil {
		t.Errorf("%v of this process, %v", cpu, err)
	}
}
