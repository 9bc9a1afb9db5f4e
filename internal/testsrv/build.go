package testsrv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

const (
	versityModule  = "github.com/versity/versitygw/cmd/versitygw"
	versityVersion = "v1.8.0"
)

// VersityGW builds the pinned versitygw unless that was done before, and
// returns the path of its executable.
func VersityGW() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, ".cache", "bin", "versitygw-"+versityVersion)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	lock, err := os.Create(folder + ".lock")
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	bin := filepath.Join(folder, "versitygw")
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	cmd := exec.Command("go", "install", versityModule+"@"+versityVersion)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOBIN="+folder)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("testsrv: building %s@%s, which needs the module proxy or a warm module cache: %w\n%s",
			versityModule, versityVersion, err, out)
	}
	return bin, nil
}

// moduleRoot is the folder of the go.mod above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("testsrv: no go.mod above the working directory")
		}
		dir = parent
	}
}
