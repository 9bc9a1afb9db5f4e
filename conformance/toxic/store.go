package toxic

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

// Store is an S3 server behind a proxy.
type Store struct {
	Proxy *Proxy
	Gate  *Gate // behind the proxy; nil but before a simulated store
	dir   string
	end   func()
}

// StartStore starts versitygw with its data below dir.
func StartStore(ctx context.Context, dir string) (*Store, error) {
	bin, err := testsrv.VersityGW()
	if err != nil {
		return nil, err
	}
	s := &Store{dir: filepath.Join(dir, "s3")}
	if err := os.MkdirAll(filepath.Join(s.dir, bucket), 0o755); err != nil {
		return nil, err
	}
	addr, err := proc.FreeAddress()
	if err != nil {
		return nil, err
	}
	env := []string{"ROOT_ACCESS_KEY=" + accessKey, "ROOT_SECRET_KEY=" + secretKey}
	server, err := proc.Start(filepath.Join(dir, "s3.log"), env, bin, "--port", addr, "--quiet", "--keep-alive", "posix", s.dir)
	if err != nil {
		return nil, err
	}
	s.end = server.Kill9
	if err := server.WaitListening(ctx, addr); err != nil {
		s.end()
		return nil, err
	}
	if s.Proxy, err = NewProxy(addr); err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// URL is the store as the broker is told of it.
func (s *Store) URL() string {
	return fmt.Sprintf("s3://%s?region=us-east-1&endpoint=http://%s&pathStyle=true", bucket, s.Proxy.Addr())
}

// Env is what the broker's S3 client finds its credentials in.
func (s *Store) Env() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_REGION=us-east-1"}
}

// ObjectBytes is how much the bucket holds; not of a simulated store.
func (s *Store) ObjectBytes() (objects int, bytes int64, err error) {
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

// Close ends server, proxy and gate.
func (s *Store) Close() {
	s.Proxy.Close()
	if s.Gate != nil {
		s.Gate.Close()
	}
	s.end()
}
