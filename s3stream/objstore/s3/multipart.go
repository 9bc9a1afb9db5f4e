package s3

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// upload is a multipart upload.
type upload struct {
	s    *Store
	key  string
	id   string
	opts objstore.PutOptions

	mu    sync.Mutex
	parts map[int]part // sent so far, by number
}

type part struct {
	etag   *string
	size   int64
	crc32c uint32
}

// CreateMultipart implements objstore.Store.
func (s *Store) CreateMultipart(ctx context.Context, key string, opts objstore.PutOptions) (objstore.Upload, error) {
	if err := objstore.CheckKey(key); err != nil {
		return nil, objstore.Wrap("create", key, err)
	}
	in := &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: &key, ContentType: aws.String(contentType)}
	if s.checksum {
		in.ChecksumAlgorithm, in.ChecksumType = types.ChecksumAlgorithmCrc32c, types.ChecksumTypeFullObject
	}
	out, err := s.client.CreateMultipartUpload(ctx, in)
	if err != nil {
		return nil, objstore.Wrap("create", key, classify(ctx, err))
	}
	return &upload{s: s, key: key, id: aws.ToString(out.UploadId), opts: opts, parts: map[int]part{}}, nil
}

// UploadPart implements objstore.Upload.
func (u *upload) UploadPart(ctx context.Context, number int, body objstore.Body) error {
	if number < 1 || number > objstore.PartsMax {
		return objstore.Wrap("part", u.key, fmt.Errorf("%w: part number %d", objstore.ErrInvalid, number))
	}
	in := &s3.UploadPartInput{
		Bucket: &u.s.bucket, Key: &u.key, UploadId: &u.id, PartNumber: aws.Int32(int32(number)),
		Body: body.Reader(), ContentLength: &body.Size,
	}
	if u.s.checksum {
		in.ChecksumCRC32C = aws.String(encodeCRC(body.CRC32C))
	}
	out, err := u.s.client.UploadPart(ctx, in)
	if err != nil {
		return objstore.Wrap("part", u.key, classify(ctx, err))
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.parts[number] = part{etag: out.ETag, size: body.Size, crc32c: body.CRC32C}
	return nil
}

// Complete implements objstore.Upload.
func (u *upload) Complete(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return objstore.Wrap("complete", u.key, err)
	}
	in, err := u.completion()
	if err == nil {
		_, err = u.s.client.CompleteMultipartUpload(ctx, in)
		err = classify(ctx, err)
	}
	return objstore.Wrap("complete", u.key, err)
}

// completion lists the parts; the whole object's checksum is combined from
// theirs.
func (u *upload) completion() (*s3.CompleteMultipartUploadInput, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.parts) == 0 {
		return nil, fmt.Errorf("%w: no parts", objstore.ErrInvalid)
	}
	in := &s3.CompleteMultipartUploadInput{Bucket: &u.s.bucket, Key: &u.key, UploadId: &u.id}
	completed := make([]types.CompletedPart, len(u.parts))
	sum, size := uint32(0), int64(0)
	for i := range completed {
		p, ok := u.parts[i+1]
		if !ok {
			return nil, fmt.Errorf("%w: part %d is missing", objstore.ErrInvalid, i+1)
		}
		completed[i] = types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: p.etag}
		if u.s.checksum {
			completed[i].ChecksumCRC32C = aws.String(encodeCRC(p.crc32c))
		}
		sum = crc.Combine(sum, p.crc32c, int(p.size))
		size += p.size
	}
	in.MultipartUpload = &types.CompletedMultipartUpload{Parts: completed}
	if u.s.checksum {
		in.ChecksumCRC32C, in.ChecksumType = aws.String(encodeCRC(sum)), types.ChecksumTypeFullObject
		in.MpuObjectSize = &size
	}
	if u.opts.IfNoneMatch {
		in.IfNoneMatch = aws.String("*")
	}
	return in, nil
}

// Abort implements objstore.Upload.
func (u *upload) Abort(ctx context.Context) error { return u.s.abort(ctx, u.key, u.id) }

func (s *Store) abort(ctx context.Context, key, id string) error {
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: &id})
	if err = classify(ctx, err); errors.Is(err, objstore.ErrNotFound) {
		return nil
	}
	return objstore.Wrap("abort", key, err)
}

// AbortUploads implements objstore.Store.
func (s *Store) AbortUploads(ctx context.Context, prefix string, before time.Time) (int, error) {
	n := 0
	in := &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: &prefix}
	for {
		out, err := s.client.ListMultipartUploads(ctx, in)
		if err != nil {
			return n, objstore.Wrap("abort", prefix, classify(ctx, err))
		}
		for _, u := range out.Uploads {
			if !aws.ToTime(u.Initiated).Before(before) {
				continue
			}
			if err := s.abort(ctx, aws.ToString(u.Key), aws.ToString(u.UploadId)); err != nil {
				return n, err
			}
			n++
		}
		if !aws.ToBool(out.IsTruncated) || out.NextKeyMarker == nil {
			return n, nil
		}
		in.KeyMarker, in.UploadIdMarker = out.NextKeyMarker, out.NextUploadIdMarker
	}
}
