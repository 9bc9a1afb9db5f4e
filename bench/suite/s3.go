package suite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/seawallmq/seawall/conformance/proc"
	"github.com/seawallmq/seawall/internal/testsrv"
)

const (
	s3Bucket       = "bench"
	s3AccessKey    = "bench"
	s3SecretKey    = "bench-secret"
	s3StartTimeout = 20 * time.Second
)

// startS3 starts a real S3 server, versitygw, on a folder in dir.
func (s *suite) startS3(dir string) (coldStore, error) {
	binary, err := testsrv.VersityGW()
	if err != nil {
		return coldStore{}, err
	}
	files := filepath.Join(dir, "s3")
	if err := os.MkdirAll(filepath.Join(files, s3Bucket), 0o755); err != nil {
		return coldStore{}, err
	}
	addr, err := proc.FreeAddress()
	if err != nil {
		return coldStore{}, err
	}
	env := []string{"AWS_ACCESS_KEY_ID=" + s3AccessKey, "AWS_SECRET_ACCESS_KEY=" + s3SecretKey}
	// This process reads from the store too, by the same chain of credentials.
	if err := errors.Join(os.Setenv("AWS_ACCESS_KEY_ID", s3AccessKey), os.Setenv("AWS_SECRET_ACCESS_KEY", s3SecretKey)); err != nil {
		return coldStore{}, err
	}
	p, err := proc.Start(filepath.Join(dir, "s3.log"), []string{"ROOT_ACCESS_KEY=" + s3AccessKey, "ROOT_SECRET_KEY=" + s3SecretKey},
		binary, "--port", addr, "--quiet", "--keep-alive", "posix", files)
	if err != nil {
		return coldStore{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), s3StartTimeout)
	defer cancel()
	if err := p.WaitListening(ctx, addr); err != nil {
		p.Kill9()
		return coldStore{}, err
	}
	return coldStore{
		url: "0@s3://" + s3Bucket + "?region=us-east-1&endpoint=http://" + addr + "&pathStyle=true",
		env: env, files: files, close: p.Kill9,
	}, nil
}
