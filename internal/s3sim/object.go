package s3sim

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	metaPrefix   = "X-Amz-Meta-"
	metaBytesMax = 2 << 10
)

// putObject receives the object, waits, and gives it its key.
func (s *Server) putObject(c *call) error {
	content, err := newBody(c.r)
	if err != nil {
		return err
	}
	meta, err := metadata(c.r.Header)
	if err != nil {
		return err
	}
	ifAbsent, err := condition(c.r.Header)
	if err != nil {
		return err
	}
	o := &object{size: content.size, meta: meta}
	e, err := s.receive(c, content, &o.crc32c)
	if err != nil {
		return err
	}
	o.parts = []extent{e}
	if err := s.wait(c, o.size); err != nil {
		s.volume.release(e)
		return err
	}
	if err := s.publish(c.path(), o, ifAbsent); err != nil {
		s.volume.release(e)
		return err
	}
	s.counts.of(c.op).bytes.Add(o.size)
	c.w.Header().Set("ETag", o.etag)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// receive takes content into the volume. said is set to the content's checksum
// if the client sent one, and it was right.
func (s *Server) receive(c *call, content *body, said *string) (extent, error) {
	s.mu.Lock()
	full := s.index.held >= s.o.ObjectsMax
	s.mu.Unlock()
	if full {
		return extent{}, errTooManyObjects
	}
	e, sum, err := s.volume.store(content, content.size, content.wantsCRC())
	if err == nil {
		if err = content.check(sum); err != nil {
			s.volume.release(e)
		}
	}
	if err == nil && content.wantsCRC() {
		*said = encodeCRC(sum)
	}
	return e, err
}

// metadata is what a client wants to be kept beside an object.
func metadata(h http.Header) ([]field, error) {
	var kept []field
	bytes := 0
	for name, values := range h {
		if !strings.HasPrefix(name, metaPrefix) {
			continue
		}
		value := strings.Join(values, ",")
		if bytes += len(name) - len(metaPrefix) + len(value); bytes > metaBytesMax {
			return nil, errMetadata
		}
		kept = append(kept, field{name, value})
	}
	return kept, nil
}

// condition says whether a write is to happen only if the key has no object.
func condition(h http.Header) (ifAbsent bool, err error) {
	if h.Get("If-Match") != "" {
		return false, notImplemented("If-Match")
	}
	switch h.Get("If-None-Match") {
	case "":
		return false, nil
	case "*":
		return true, nil
	}
	return false, notImplemented("If-None-Match with an ETag")
}

// headObject describes an object.
func (s *Server) headObject(c *call) error {
	if err := s.wait(c, 0); err != nil {
		return err
	}
	o, err := s.pin(c)
	if err != nil {
		return err
	}
	defer s.unpin(o)
	o.describe(c)
	c.w.Header().Set("Content-Length", strconv.FormatInt(o.size, 10))
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// describe sets the headers of an object as a whole.
func (o *object) describe(c *call) {
	h := c.w.Header()
	h.Set("ETag", o.etag)
	h.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Accept-Ranges", "bytes")
	for _, m := range o.meta {
		h[m.name] = []string{m.value}
	}
	if o.crc32c != "" && strings.EqualFold(c.r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") && c.r.Header.Get("Range") == "" {
		h.Set(checksumHeader, o.crc32c)
		h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
}

// getObject sends an object or a range of it.
func (s *Server) getObject(c *call) error {
	o, err := s.pin(c)
	var off, n int64
	if err == nil {
		defer s.unpin(o)
		off, n, err = byteRange(c.r.Header.Get("Range"), o.size)
	}
	if waitErr := s.wait(c, n); waitErr != nil {
		return waitErr
	}
	if err != nil {
		return err
	}
	o.describe(c)
	h, status := c.w.Header(), http.StatusOK
	h.Set("Content-Length", strconv.FormatInt(n, 10))
	if c.r.Header.Get("Range") != "" {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, off+n-1, o.size))
		status = http.StatusPartialContent
	}
	c.w.WriteHeader(status)
	if n > chunkBytes {
		_ = http.NewResponseController(c.w).Flush() // the first byte is due; a client that is gone shows below
	}
	if err := s.send(c, o, off, n); err != nil {
		panic(http.ErrAbortHandler) // the answer is begun: all that is left is to hang up
	}
	s.counts.of(c.op).bytes.Add(n)
	return nil
}

// send sends n bytes of an object from off on, at the profile's bandwidth.
func (s *Server) send(c *call, o *object, off, n int64) error {
	began, sent := s.o.Clock.Now(), int64(0)
	for _, e := range o.parts {
		if off >= e.len {
			off -= e.len
			continue
		}
		err := s.volume.load(e, off, min(n-sent, e.len-off), func(piece []byte) error {
			sent += int64(len(piece))
			due := began.Add(s.o.Profile.TransferOf(sent))
			if err := s.waitUntil(c.r.Context(), s.reserveOut(int64(len(piece)), due)); err != nil {
				return err
			}
			_, err := c.w.Write(piece)
			return err
		})
		if err != nil {
			return err
		}
		if off = 0; sent == n {
			return nil
		}
	}
	if sent < n {
		return io.ErrUnexpectedEOF // the parts are fewer than the size says: ours
	}
	return nil
}

// reserveOut is when a piece of an answer may go: not before due, nor before the
// total bandwidth has room for it.
func (s *Server) reserveOut(bytes int64, due time.Time) time.Time {
	s.shape.Lock()
	defer s.shape.Unlock()
	if free := s.shape.out.Reserve(s.o.Clock.Now(), bytes); free.After(due) {
		return free
	}
	return due
}

// byteRange finds what a Range header asks of an object. What it does not
// understand asks for all, as HTTP wants it.
func byteRange(header string, size int64) (off, n int64, err error) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, isRange := strings.Cut(spec, "-")
	if !ok || !isRange || strings.Contains(spec, ",") {
		return 0, size, nil
	}
	end, lastErr := strconv.ParseInt(last, 10, 64)
	if first == "" { // the last so many bytes
		if lastErr != nil || end <= 0 || size == 0 {
			return 0, 0, errInvalidRange
		}
		n = min(end, size)
		return size - n, n, nil
	}
	off, err = strconv.ParseInt(first, 10, 64)
	if err != nil || off < 0 || off >= size {
		return 0, 0, errInvalidRange
	}
	if last == "" || lastErr != nil || end >= size {
		end = size - 1
	}
	if end < off {
		return 0, 0, errInvalidRange
	}
	return off, end - off + 1, nil
}

// touchBucket answers that a bucket is there, as each one is.
func (s *Server) touchBucket(c *call) error {
	if err := s.wait(c, 0); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}
