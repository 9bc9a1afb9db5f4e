package arm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoLoop says why there is no loop device to be had.
var ErrNoLoop = errors.New("a loop device needs root and losetup")

// LoopDevice is a block device on a file.
type LoopDevice struct {
	Path string // /dev/loop3
	file string
}

// NewLoopDevice makes one of so many bytes on a file in dir, with direct I/O to
// it. The file's space is not written yet.
func NewLoopDevice(ctx context.Context, dir string, bytes int64) (*LoopDevice, error) {
	losetup, err := exec.LookPath("losetup")
	if err != nil || os.Geteuid() != 0 {
		return nil, ErrNoLoop
	}
	d := &LoopDevice{file: filepath.Join(dir, "loop.img")}
	f, err := os.Create(d.file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(bytes), f.Close()); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, losetup, "--find", "--show", "--direct-io=on", d.file).CombinedOutput()
	if err != nil {
		text := strings.Join(strings.Fields(string(out)), " ")
		return nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrNoLoop, text, err), os.Remove(d.file))
	}
	d.Path = strings.TrimSpace(string(out))
	return d, nil
}

// Close takes the device and its file away.
func (d *LoopDevice) Close() error {
	out, err := exec.Command("losetup", "--detach", d.Path).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("losetup --detach %s: %w: %s", d.Path, err, out)
	}
	return errors.Join(err, os.Remove(d.file))
}
