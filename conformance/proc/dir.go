package proc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// NewDir makes a new folder for a run, below .data and so on the disk that the
// checkout is on, and returns its absolute path.
func NewDir(name string) (string, error) {
	if err := os.MkdirAll(".data", 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(".data", name+"-")
	if err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}

// EndDir removes the folder of a run that went well. After an error it stays,
// and the error that is returned says where.
func EndDir(dir string, err error) error {
	if err == nil {
		return os.RemoveAll(dir)
	}
	return errors.Join(err, fmt.Errorf("data and logs are in %s", dir))
}
