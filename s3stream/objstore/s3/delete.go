package s3

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

// deletesPerRequest is what S3 takes at once.
const deletesPerRequest = 1000

// Delete implements objstore.Store. Servers that do not take many keys in one
// request, or ask for a checksum of it that the SDK no longer computes, get
// one request a key.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := objstore.CheckKey(key); err != nil {
			return objstore.Wrap("delete", key, err)
		}
	}
	for batch := range slices.Chunk(keys, deletesPerRequest) {
		if len(batch) > 1 && !s.singleDeletes.Load() {
			err := s.deleteMany(ctx, batch)
			if err == nil {
				continue
			}
			if !errors.Is(err, objstore.ErrInvalid) {
				return err
			}
			s.singleDeletes.Store(true)
		}
		for _, key := range batch {
			_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key})
			if err = classify(ctx, err); err != nil && !errors.Is(err, objstore.ErrNotFound) {
				return objstore.Wrap("delete", key, err)
			}
		}
	}
	return nil
}

func (s *Store) deleteMany(ctx context.Context, keys []string) error {
	ids := make([]types.ObjectIdentifier, len(keys))
	for i := range keys {
		ids[i].Key = &keys[i]
	}
	out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &s.bucket,
		Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return objstore.Wrap("delete", keys[0], classify(ctx, err))
	}
	for _, e := range out.Errors {
		kind := kindOfCode(aws.ToString(e.Code))
		if kind == nil {
			kind = objstore.ErrUnavailable
		}
		if kind == objstore.ErrNotFound {
			continue
		}
		return objstore.Wrap("delete", aws.ToString(e.Key), fmt.Errorf("%w: %s: %s", kind, aws.ToString(e.Code), aws.ToString(e.Message)))
	}
	return nil
}
