package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seawallmq/seawall/conformance/proc"
	"github.com/seawallmq/seawall/internal/testsrv"
)

const (
	bucket    = "sea"
	accessKey = "seawall"
	secretKey = "seawall-secret"
)

// store is an S3 server behind a proxy.
type store struct {
	server *proc.Process
	proxy  *proxy
	dir    string
}

// startStore starts versitygw with its data below dir.
func startStore(ctx context.Context, dir string) (*store, error) {
	bin, err := testsrv.VersityGW()
	if err != nil {
		return nil, err
	}
	s := &store{dir: filepath.Join(dir, "s3")}
	if err := os.MkdirAll(filepath.Join(s.dir, bucket), 0o755); err != nil {
		return nil, err
	}
	addr, err := proc.FreeAddress()
	if err != nil {
		return nil, err
	}
	env := []string{"ROOT_ACCESS_KEY=" + accessKey, "ROOT_SECRET_KEY=" + secretKey}
	s.server, err = proc.Start(filepath.Join(dir, "s3.log"), env, bin, "--port", addr, "--quiet", "--keep-alive", "posix", s.dir)
	if err != nil {
		return nil, err
	}
	if err := s.server.WaitListening(ctx, addr); err != nil {
		s.server.Kill9()
		return nil, err
	}
	if s.proxy, err = newProxy(addr); err != nil {
		s.server.Kill9()
		return nil, err
	}
	return s, nil
}

// URL is the store as the broker is told of it.
func (s *store) URL() string {
	return fmt.Sprintf("s3://%s?region=us-east-1&endpoint=http://%s&pathStyle=true", bucket, s.proxy.Addr())
}

// Env is what the broker's S3 client finds its credentials in.
func (s *store) Env() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_REGION=us-east-1"}
}

// objectBytes is how much the bucket holds.
func (s *store) objectBytes() (objects int, bytes int64, err error) {
	err = filepath.Walk(filepath.Join(s.dir, bucket), func(path string, info os.FileInfo, err error) error {
		if os.IsNotExist(err) {
			return nil // removed since it was listed
		}
		if err == nil && info.Mode().IsRegular() {
			objects++
			bytes += info.Size()
		}
		return err
	})
	return objects, bytes, err
}

func (s *store) Close() {
	s.proxy.Close()
	s.server.Kill9()
}
