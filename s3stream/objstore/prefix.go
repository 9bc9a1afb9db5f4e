package objstore

import (
	"context"
	"strings"
	"time"
)

// Prefixed is the part of a store below a folder, as a store of its own: keys
// and prefixes of listings are taken, and given, without the folder's name.
// folder is a key without a slash at its end; empty gives s itself.
func Prefixed(s Store, folder string) (Store, error) {
	if folder == "" {
		return s, nil
	}
	if err := CheckKey(folder); err != nil {
		return nil, &Error{Op: "open", Key: folder, Err: err}
	}
	return &prefixed{s: s, prefix: folder + "/"}, nil
}

type prefixed struct {
	s      Store
	prefix string
}

func (p *prefixed) Put(ctx context.Context, key string, body Body, opts PutOptions) error {
	if err := CheckKey(key); err != nil {
		return Wrap("put", key, err)
	}
	return p.s.Put(ctx, p.prefix+key, body, opts)
}

func (p *prefixed) GetRange(ctx context.Context, key string, off int64, dst []byte) (int, error) {
	if err := CheckKey(key); err != nil {
		return 0, Wrap("get", key, err)
	}
	return p.s.GetRange(ctx, p.prefix+key, off, dst)
}

func (p *prefixed) Head(ctx context.Context, key string) (Info, error) {
	if err := CheckKey(key); err != nil {
		return Info{}, Wrap("head", key, err)
	}
	return p.s.Head(ctx, p.prefix+key)
}

func (p *prefixed) Delete(ctx context.Context, keys ...string) error {
	full := make([]string, len(keys))
	for i, key := range keys {
		if err := CheckKey(key); err != nil {
			return Wrap("delete", key, err)
		}
		full[i] = p.prefix + key
	}
	return p.s.Delete(ctx, full...)
}

func (p *prefixed) List(ctx context.Context, prefix, startAfter string, max int) ([]Entry, error) {
	if startAfter != "" {
		startAfter = p.prefix + startAfter
	}
	entries, err := p.s.List(ctx, p.prefix+prefix, startAfter, max)
	for i := range entries {
		entries[i].Key = strings.TrimPrefix(entries[i].Key, p.prefix)
	}
	return entries, err
}

func (p *prefixed) CreateMultipart(ctx context.Context, key string, opts PutOptions) (Upload, error) {
	if err := CheckKey(key); err != nil {
		return nil, Wrap("create", key, err)
	}
	return p.s.CreateMultipart(ctx, p.prefix+key, opts)
}

func (p *prefixed) AbortUploads(ctx context.Context, prefix string, before time.Time) (int, error) {
	return p.s.AbortUploads(ctx, p.prefix+prefix, before)
}
