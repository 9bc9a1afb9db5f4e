package scenarios

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seawallmq/seawall/bench/scenario"
	"github.com/seawallmq/seawall/internal/config"
)

//go:embed *.properties
var files embed.FS

const extension = ".properties"

// fileBytesMax is more than a scenario takes.
const fileBytesMax = 64 << 10

// Names are those that [Load] takes beside paths, in order.
func Names() []string {
	// Of an embedded folder: cannot fail.
	entries, _ := fs.ReadDir(files, ".")
	var names []string
	for _, e := range entries {
		names = append(names, nameOf(e.Name()))
	}
	return names
}

// nameOf is how a file's scenario is called: a letter is a capital.
func nameOf(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), extension)
	if len(name) == 1 {
		return strings.ToUpper(name)
	}
	return name
}

// Load reads one by its name or by the path of a file: what ends in .properties
// or has a slash is a path. The error has all that is wrong.
func Load(nameOrPath string) (scenario.Scenario, error) {
	if strings.HasSuffix(nameOrPath, extension) || strings.ContainsRune(nameOrPath, filepath.Separator) {
		return loadFile(nameOrPath)
	}
	text, err := files.ReadFile(strings.ToLower(nameOrPath) + extension)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		if n := config.Nearest(nameOrPath, Names()); n != "" {
			return scenario.Scenario{}, fmt.Errorf("no scenario is named %q; did you mean %s?", nameOrPath, n)
		}
		return scenario.Scenario{}, fmt.Errorf("no scenario is named %q; there are %s, and files (…%s)", nameOrPath, strings.Join(Names(), ", "), extension)
	}
	if err != nil {
		return scenario.Scenario{}, err
	}
	return scenario.Parse(nameOf(nameOrPath), text)
}

func loadFile(path string) (scenario.Scenario, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return scenario.Scenario{}, err
	case info.Size() > fileBytesMax:
		return scenario.Scenario{}, fmt.Errorf("%s: %d bytes are too many for a scenario", path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return scenario.Scenario{}, err
	}
	return scenario.Parse(nameOf(path), text)
}
