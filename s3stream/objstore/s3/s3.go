package s3

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

const (
	crcMetadata = "seawall-crc32c" // user metadata: CRC32C in eight hex digits
	contentType = "application/octet-stream"
	listPageMax = 1000 // what S3 returns at most
)

// Put implements objstore.Store. The SDK closes its view of the body before it
// returns, so that the transport never reads it later.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) error {
	if err := objstore.CheckKey(key); err != nil {
		return objstore.Wrap("put", key, err)
	}
	in := &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key,
		Body: body.Reader(), ContentLength: &body.Size, ContentType: aws.String(contentType),
		Metadata: map[string]string{crcMetadata: fmt.Sprintf("%08x", body.CRC32C)},
	}
	if s.checksum {
		in.ChecksumCRC32C = aws.String(encodeCRC(body.CRC32C))
	}
	if opts.IfNoneMatch {
		in.IfNoneMatch = aws.String("*")
	}
	_, err := s.client.PutObject(ctx, in)
	return objstore.Wrap("put", key, classify(ctx, err))
}

// GetRange implements objstore.Store.
func (s *Store) GetRange(ctx context.Context, key string, off int64, dst []byte) (int, error) {
	if len(dst) == 0 {
		return 0, nil
	}
	n, err := s.getRange(ctx, key, off, dst)
	return n, objstore.Wrap("get", key, err)
}

func (s *Store) getRange(ctx context.Context, key string, off int64, dst []byte) (int, error) {
	if err := objstore.CheckKey(key); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, fmt.Errorf("%w: offset %d", objstore.ErrInvalid, off)
	}
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &s.bucket, Key: &key,
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", off, off+int64(len(dst))-1)),
	})
	if err != nil {
		if isPastEnd(err) {
			return 0, io.EOF
		}
		return 0, classify(ctx, err)
	}
	defer out.Body.Close()
	want, atEnd, err := answeredRange(out, off, len(dst))
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(out.Body, dst[:want])
	switch {
	case err != nil && ctx.Err() != nil:
		return n, ctx.Err()
	case err != nil:
		return n, fmt.Errorf("%w: the answer broke off after %d of %d bytes: %w", objstore.ErrUnavailable, n, want, err)
	case n < len(dst) && atEnd:
		return n, io.EOF
	}
	return n, nil
}

// answeredRange is how many of the n bytes asked for at off the server will
// send, and whether the object ends with them.
func answeredRange(out *s3.GetObjectOutput, off int64, n int) (want int, atEnd bool, err error) {
	var first, last, size int64
	if _, err := fmt.Sscanf(aws.ToString(out.ContentRange), "bytes %d-%d/%d", &first, &last, &size); err != nil {
		// Without a range the answer is the whole object.
		first, last, size = 0, aws.ToInt64(out.ContentLength)-1, aws.ToInt64(out.ContentLength)
	}
	if first != off || last < first {
		return 0, false, fmt.Errorf("%w: asked for bytes from %d on, the server sends %d to %d", objstore.ErrInvalid, off, first, last)
	}
	want = int(min(last-first+1, int64(n)))
	if atEnd = last == size-1; want < n && !atEnd {
		return 0, false, fmt.Errorf("%w: asked for %d bytes, the server sends %d", objstore.ErrUnavailable, n, want)
	}
	return want, atEnd, nil
}

// Head implements objstore.Store.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	if err := objstore.CheckKey(key); err != nil {
		return objstore.Info{}, objstore.Wrap("head", key, err)
	}
	in := &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key}
	if s.checksum {
		in.ChecksumMode = types.ChecksumModeEnabled
	}
	out, err := s.client.HeadObject(ctx, in)
	if err != nil {
		return objstore.Info{}, objstore.Wrap("head", key, classify(ctx, err))
	}
	info := objstore.Info{Size: aws.ToInt64(out.ContentLength), ModTime: aws.ToTime(out.LastModified)}
	info.CRC32C, info.HasCRC = checksumOf(out)
	return info, nil
}

// checksumOf finds the whole object's CRC32C: the server's own, or else what
// Put noted.
func checksumOf(out *s3.HeadObjectOutput) (uint32, bool) {
	if out.ChecksumType != types.ChecksumTypeComposite {
		if sum, ok := decodeCRC(aws.ToString(out.ChecksumCRC32C)); ok {
			return sum, true
		}
	}
	sum, err := strconv.ParseUint(out.Metadata[crcMetadata], 16, 32)
	return uint32(sum), err == nil
}

// List implements objstore.Store.
func (s *Store) List(ctx context.Context, prefix, startAfter string, max int) ([]objstore.Entry, error) {
	var entries []objstore.Entry
	for len(entries) < max {
		page := int32(min(max-len(entries), listPageMax))
		out, err := s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
			Bucket: &s.bucket, Prefix: &prefix, StartAfter: &startAfter, MaxKeys: &page,
		})
		if err != nil {
			return nil, objstore.Wrap("list", prefix, classify(ctx, err))
		}
		for _, o := range out.Contents {
			key := aws.ToString(o.Key)
			if strings.HasSuffix(key, "/") {
				continue // a folder that some tool has made
			}
			entries = append(entries, objstore.Entry{Key: key, Size: aws.ToInt64(o.Size), ModTime: aws.ToTime(o.LastModified)})
		}
		if !aws.ToBool(out.IsTruncated) || len(out.Contents) == 0 {
			break
		}
		startAfter = aws.ToString(out.Contents[len(out.Contents)-1].Key)
	}
	return entries, objstore.Wrap("list", prefix, ctx.Err())
}

func encodeCRC(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

func decodeCRC(s string) (uint32, bool) {
	p, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(p) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(p), true
}
