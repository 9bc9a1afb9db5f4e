package scenarios

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/bench/scenario"
)

func TestEveryScenarioIsRight(t *testing.T) {
	if want := []string{"A", "B", "C", "D", "E", "F", "G", "linger", "quick"}; !slices.Equal(Names(), want) {
		t.Errorf("there are %q, want %q", Names(), want)
	}
	for _, name := range Names() {
		s, err := Load(strings.ToLower(name))
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if s.Name != name || s.Title == "" || s.Rate.RecordsPerSecond <= 0 || s.BytesPerSecond() > 40<<20 {
			t.Errorf("%+v", s)
		}
		again, err := scenario.Parse(name, []byte(s.String()))
		if err != nil || again != s {
			t.Errorf("written and read, %+v is %+v, %v", s, again, err)
		}
	}
}

func TestLoadByPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.properties")
	if err := os.WriteFile(path, []byte("partitions=2\nrate=5/s"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(path)
	if err != nil || s.Name != "mine" || s.Partitions != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	for name, want := range map[string]string{
		"quik":               "did you mean quick?",
		"nothing like it":    "there are A, B,",
		path + ".properties": "no such file",
	} {
		if _, err := Load(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
