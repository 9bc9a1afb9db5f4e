package s3sim

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	// bodyBytesMax is what S3 takes in one request.
	bodyBytesMax = 5 << 30
	// chunkLineMax bounds a line between the chunks of a body.
	chunkLineMax = 1 << 10

	checksumHeader = "X-Amz-Checksum-Crc32c"
)

// body is the content of a write.
type body struct {
	io.Reader
	size    int64
	chunked *awsChunked // nil: the content is the whole body
	header  http.Header
}

// newBody finds the content of a request's body, which AWS's clients may have
// cut into chunks with signatures between them and checksums behind.
func newBody(r *http.Request) (*body, error) {
	b := &body{Reader: r.Body, size: r.ContentLength, header: r.Header}
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		size, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil {
			return nil, errNoLength
		}
		b.chunked = &awsChunked{r: bufio.NewReaderSize(r.Body, chunkLineMax), trailer: http.Header{}}
		b.Reader, b.size = b.chunked, size
	}
	switch {
	case b.size < 0:
		return nil, errNoLength
	case b.size > bodyBytesMax:
		return nil, errTooLarge
	}
	return b, nil
}

// wantsCRC says whether the client sends a CRC32C to be compared.
func (b *body) wantsCRC() bool {
	return b.header.Get(checksumHeader) != "" || strings.EqualFold(b.header.Get("X-Amz-Trailer"), checksumHeader)
}

// check reads what is behind the content and compares the checksum of what came
// with what the client says, if it says anything.
func (b *body) check(sum uint32) error {
	said := b.header.Get(checksumHeader)
	if b.chunked != nil {
		if err := b.chunked.finish(); err != nil {
			return err
		}
		if said == "" {
			said = b.chunked.trailer.Get(checksumHeader)
		}
	}
	if b.wantsCRC() && said != encodeCRC(sum) {
		return errBadDigest
	}
	return nil
}

func encodeCRC(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// awsChunked reads the content of a body in the aws-chunked encoding:
//
//	<length in hex>[;chunk-signature=…]\r\n <bytes> \r\n   … any number of them
//	0[;chunk-signature=…]\r\n
//	<trailing header>:<value>\r\n …
//	\r\n
//
// Signatures are not checked: a simulated store lets everybody in.
type awsChunked struct {
	r       *bufio.Reader
	left    int64 // of the current chunk
	begun   bool  // there was a chunk, whose line end follows
	ended   bool  // the empty chunk was met
	trailer http.Header
}

// Read implements io.Reader.
func (c *awsChunked) Read(p []byte) (int, error) {
	for c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // there must be an empty chunk
	}
	return n, err
}

// next reads the line before a chunk; io.EOF after the last one.
func (c *awsChunked) next() error {
	if c.ended {
		return io.EOF
	}
	if c.begun {
		if line, err := c.line(); err != nil || line != "" {
			return errIncomplete
		}
	}
	line, err := c.line()
	if err != nil {
		return err
	}
	length, _, _ := strings.Cut(line, ";")
	c.left, err = strconv.ParseInt(length, 16, 64)
	if err != nil || c.left < 0 {
		return invalid("a chunk of the body has no length")
	}
	c.begun = true
	if c.left == 0 {
		c.ended = true
		return io.EOF
	}
	return nil
}

// finish reads the trailing headers once all content was read.
func (c *awsChunked) finish() error {
	if c.left > 0 {
		return invalid("the body is longer than its decoded length")
	}
	if err := c.next(); err != io.EOF {
		return errIncomplete
	}
	for lines := 0; lines < 16; lines++ {
		line, err := c.line()
		if err != nil || line == "" {
			return nil // some clients leave the last empty line out
		}
		name, value, _ := strings.Cut(line, ":")
		c.trailer.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return nil
}

// line reads a line of bounded length, without its end.
func (c *awsChunked) line() (string, error) {
	line, err := c.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return "", invalid("a line between two chunks is too long")
	}
	if err != nil {
		return "", io.ErrUnexpectedEOF
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}
