package volume

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/reserve"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// reserve reserves the node's own device for the incarnation of o.NodeEpoch,
// whoever had it. It is called before anything is written to the device, and
// leaves alone one that is another's, or whose header is newer.
func (o *Options) reserve(path string, dev device.Device, ioctl reserve.Ioctl) error {
	claim := reserve.Claim{Node: o.Node, Epoch: o.NodeEpoch}
	s := slots{dev: dev, path: path}
	switch err := s.read(); {
	case err == nil:
		if err := o.checkOwner(path, &s.head); err != nil {
			return err
		}
		if err := checkEpoch(path, &s.head, o.NodeEpoch); err != nil {
			return err
		}
		claim.Since = s.head.NodeEpoch
	case !isBlank(err):
		return err
	}
	return takeDevice(path, ioctl, claim)
}

// takeDevice reserves the device at path. The error wraps fence.ErrFenced where a later
// claim has it.
func takeDevice(path string, ioctl reserve.Ioctl, claim reserve.Claim) error {
	err := reserve.Take(func(request uint, argument []byte) (int, error) {
		status, err := ioctl(request, argument)
		if errors.Is(err, unix.EBADE) { // some drivers tell a conflict as the failure of a write
			return reserve.StatusConflict, nil
		}
		return status, err
	}, claim)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, reserve.ErrTaken):
		err = fmt.Errorf("%w: %w", fence.ErrFenced, err)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOTTY):
		err = fmt.Errorf("%w: fence=reservation needs a SCSI or NVMe device with persistent reservations", err)
	case errors.Is(err, unix.EPERM):
		err = fmt.Errorf("%w: fence=reservation needs a whole device, no partition, that may be opened for writing", err)
	}
	return fmt.Errorf("reserve WAL %s: %w", path, err)
}

// checkReservable refuses a device of the device mapper (multipath, LVM, dm-crypt):
// the kernel passes PREEMPT AND ABORT on as a mere PREEMPT there, and a write of
// the former holder could land after its rescuer has read the log (A22). sys is
// where sysfs is mounted.
func checkReservable(path, sys string, kind walfmt.FenceKind) error {
	if kind != walfmt.FenceReservation {
		return nil
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return fmt.Errorf("open WAL %s: %w", path, err)
	}
	dev := fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	if _, err := os.Stat(filepath.Join(sys, "dev/block", dev, "dm")); err == nil {
		return fmt.Errorf("reserve WAL %s: it is a device of the device mapper, through which reservations do not end the writes in flight: fence=reservation needs the SCSI or NVMe device itself", path)
	}
	return nil
}
