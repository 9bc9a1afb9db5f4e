package s3stream

import "errors"

// refusals gathers what went wrong with single streams of a command.
type refusals []error

func (r refusals) join() error { return errors.Join(r...) }
