package reserve

import (
	"errors"
	"fmt"
)

// ErrTaken: another one has the device reserved: a later epoch of its node, or
// somebody who is no Seawall.
var ErrTaken = errors.New("the device is reserved by a later epoch of its node, or by another program")

// Take reserves the device for the claim. After nil nobody else can write to it,
// and nothing that somebody else had in flight lands any more, until another
// claim takes it.
//
// The error wraps ErrTaken where the claim is too late, a *StatusError where the
// device failed an ioctl, else what the kernel said of it. Nothing may be written
// then. The device may be reserved all the same; the next Take goes on from there.
func Take(ioctl Ioctl, c Claim) error {
	own, err := c.Key()
	if err != nil {
		return err
	}
	d := taking{ioctl: ioctl, own: own}
	if err := d.register(); err != nil {
		return err
	}
	if c.Since > 0 {
		if err := d.remove(c.owner(c.Since)); err != nil {
			return err
		}
	}
	if err := d.do(reserve(own)); !isStatus(err) {
		return err
	}
	// Somebody else has it: a rescuer, or an incarnation that wrote no header.
	// Own is the last, since some devices take it from this host as well.
	for victim := c.oldest(); victim <= own; victim++ {
		if err := d.remove(victim); err != nil {
			return err
		}
	}
	if err := d.register(); err != nil {
		return err
	}
	err = d.do(reserve(own))
	if s := (*StatusError)(nil); errors.As(err, &s) && s.isConflict() {
		return fmt.Errorf("%w (key %s: %w)", ErrTaken, own, err)
	}
	return err
}

// taking is a Take under way.
type taking struct {
	ioctl Ioctl
	own   Key
}

func (d *taking) do(c call) error {
	status, err := d.ioctl(c.request, c.argument)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	if status != 0 {
		return &StatusError{c.name, status}
	}
	return nil
}

// register registers the own key, whatever key this host had.
func (d *taking) register() error {
	err := d.do(register(0, d.own))
	if isStatus(err) {
		err = d.do(register(d.own, d.own))
	}
	return err
}

// remove removes a key, if it is there. What the device says is of no account:
// some kernels do not tell a conflict from a failure, and if the holder's key is
// still there, the reservation is not to be had.
func (d *taking) remove(victim Key) error {
	if err := d.do(preemptAbort(d.own, victim)); !isStatus(err) {
		return err
	}
	return nil
}

func isStatus(err error) bool {
	var s *StatusError
	return errors.As(err, &s)
}
