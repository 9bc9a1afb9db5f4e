package s3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

// fallbackRegion is what servers off AWS are signed for, if nothing else is
// said: they accept any and most expect this one.
const fallbackRegion = "us-east-1"

// Options say where a bucket is and how to speak to it.
type Options struct {
	Bucket string
	// Region; empty: from the environment or profile.
	Region string
	// Endpoint is the server's URL; empty: AWS, unless the environment or
	// profile names one.
	Endpoint string
	// PathStyle puts the bucket into the path instead of the host name.
	PathStyle bool
	// Checksum says who verifies CRC32C.
	Checksum ChecksumMode
	// Credentials; nil: the SDK's default chain (environment, profile, role).
	Credentials aws.CredentialsProvider
	// Log is where the SDK's own log goes; nil discards it.
	Log *slog.Logger
	// HTTPClient; nil: one with its own transport, see NewHTTPClient.
	HTTPClient *http.Client
}

// ChecksumMode says whether CRC32C goes with each request as a header for the
// server to verify.
type ChecksumMode int

// The modes.
const (
	ChecksumAuto ChecksumMode = iota // on AWS only
	ChecksumOn
	ChecksumOff
)

// Store is a bucket.
type Store struct {
	client   *s3.Client
	bucket   string
	checksum bool // the server verifies CRC32C
	// singleDeletes is set once the server was found not to take many keys in
	// one request.
	singleDeletes atomic.Bool
}

var _ objstore.Store = (*Store)(nil)

// Open makes a Store. It finds credentials, so that it fails early without
// any, but sends nothing to the bucket.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Bucket == "" {
		return nil, errors.New("objstore: s3: the bucket's name is missing")
	}
	load := []func(*config.LoadOptions) error{config.WithRegion(o.Region), config.WithLogger(sdkLog(o.Log))}
	if o.Credentials != nil {
		load = append(load, config.WithCredentialsProvider(o.Credentials))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("objstore: s3: configuration of the environment or profile: %w", err)
	}
	if o.Endpoint == "" {
		o.Endpoint = aws.ToString(cfg.BaseEndpoint)
	}
	endpoint, err := url.Parse(o.Endpoint)
	if err != nil || o.Endpoint != "" && (endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https") {
		return nil, fmt.Errorf("objstore: s3: endpoint %q is not a URL like https://host:port", o.Endpoint)
	}
	if cfg.Region == "" && isAWS(endpoint) {
		return nil, fmt.Errorf("objstore: s3: no region for bucket %s: add region=… to its URL or set AWS_REGION", o.Bucket)
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("objstore: s3: no credentials for bucket %s: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role: %w", o.Bucket, err)
	}
	if o.HTTPClient == nil {
		o.HTTPClient = NewHTTPClient()
	}
	return &Store{
		client:   newClient(cfg, o, endpoint),
		bucket:   o.Bucket,
		checksum: o.Checksum == ChecksumOn || o.Checksum == ChecksumAuto && isAWS(endpoint),
	}, nil
}

// sdkLog passes on what the SDK logs, which it would write to standard error.
func sdkLog(to *slog.Logger) logging.Logger {
	if to == nil {
		return logging.Nop{}
	}
	return logging.LoggerFunc(func(class logging.Classification, format string, args ...any) {
		level := slog.LevelDebug
		if class == logging.Warn {
			level = slog.LevelWarn
		}
		to.Log(context.Background(), level, "object store client: "+fmt.Sprintf(format, args...))
	})
}

func newClient(cfg aws.Config, o Options, endpoint *url.URL) *s3.Client {
	return s3.NewFromConfig(cfg, func(so *s3.Options) {
		if so.Region == "" {
			so.Region = fallbackRegion
		}
		if o.Endpoint != "" {
			so.BaseEndpoint = aws.String(o.Endpoint)
		}
		so.UsePathStyle = o.PathStyle
		so.HTTPClient = o.HTTPClient
		so.Retryer = aws.NopRetryer{}
		// Where they are wanted the checksums are given, computed long before.
		so.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		so.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		so.DisableLogOutputChecksumValidationSkipped = true
		// One round trip fewer; a throttled body is sent in vain instead.
		so.ContinueHeaderThresholdBytes = -1
		if endpoint.Scheme != "http" {
			so.APIOptions = append(so.APIOptions, func(stack *middleware.Stack) error {
				return v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware(stack)
			})
		}
	})
}

// isAWS says whether an endpoint, or its absence, means AWS.
func isAWS(endpoint *url.URL) bool {
	host := endpoint.Hostname()
	return host == "" || strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
}

// NewHTTPClient makes a client that fits many concurrent requests to one host:
// HTTP/1.1, because one HTTP/2 connection would carry, and stall, them all.
func NewHTTPClient() *http.Client {
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dialer.DialContext,
			TLSHandshakeTimeout:   5 * time.Second,
			ResponseHeaderTimeout: 30 * time.Second,
			MaxIdleConnsPerHost:   256,
			IdleConnTimeout:       60 * time.Second,
			WriteBufferSize:       64 << 10,
			ReadBufferSize:        64 << 10,
			DisableCompression:    true, // a range must be the object's own bytes
			Protocols:             http1(),
		},
		// A redirect is the answer to a wrong region or endpoint: say so.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func http1() *http.Protocols {
	var p http.Protocols
	p.SetHTTP1(true)
	return &p
}
