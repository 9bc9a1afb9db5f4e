package s3sim

import (
	"embed"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/seawallmq/seawall/internal/s3sim/model"
)

//go:embed profiles/*.json
var profileFiles embed.FS

const profileFolder = "profiles"

// ProfileNames are the profiles that come with Seawall.
func ProfileNames() []string {
	entries, err := profileFiles.ReadDir(profileFolder)
	if err != nil {
		panic("s3sim: the embedded profiles cannot be listed: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".json"))
	}
	return names
}

// LoadProfile finds a profile by name, or reads it from a file: what has a
// slash in it, or ends with .json, is a file's path.
func LoadProfile(nameOrFile string) (*model.Profile, error) {
	if strings.Contains(nameOrFile, "/") || strings.HasSuffix(nameOrFile, ".json") {
		text, err := os.ReadFile(nameOrFile)
		if err != nil {
			return nil, fmt.Errorf("profile of a store: %w", err)
		}
		return model.Parse(text)
	}
	if !slices.Contains(ProfileNames(), nameOrFile) {
		return nil, fmt.Errorf("no profile is named %q: there are %s, and files like ./mine.json", nameOrFile, strings.Join(ProfileNames(), ", "))
	}
	text, err := profileFiles.ReadFile(profileFolder + "/" + nameOrFile + ".json")
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", nameOrFile, err)
	}
	return model.Parse(text)
}
