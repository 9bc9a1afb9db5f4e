package proc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Broker is how to start a broker, again and again, on one folder and address.
type Broker struct {
	Seawall string   // the binary; it runs as seawall dev
	Command []string // another broker instead: {dir} and {port} are replaced
	File    string   // with it the binary runs as seawall start: NAME.properties
	Dir     string   // data, and broker.log beside it; not with File
	Listen  string   // host:port
	Admin   string   // host:port
	Store   string   // URL of the object store; empty: a folder in Dir
	Env     []string
}

// NewBroker chooses free addresses for a broker with its data below dir.
func NewBroker(seawall string, command []string, dir string) (*Broker, error) {
	b := &Broker{Seawall: seawall, Command: command, Dir: dir}
	var err error
	if b.Dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(b.Dir, 0o755); err != nil {
		return nil, err
	}
	if b.Listen, err = FreeAddress(); err != nil {
		return nil, err
	}
	b.Admin, err = FreeAddress()
	return b, err
}

// Log is the file that the broker's output goes to.
func (b *Broker) Log() string {
	if b.File != "" {
		return strings.TrimSuffix(b.File, ".properties") + ".log"
	}
	return filepath.Join(b.Dir, "broker.log")
}

// StartReady starts the broker and waits until it serves, at most timeout. A
// process that does not serve is returned too.
func (b *Broker) StartReady(ctx context.Context, timeout time.Duration, overrides ...string) (*Process, error) {
	p, err := b.Start(overrides...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return p, b.WaitReady(ctx, p)
}

// Start starts the broker, with properties overridden, and does not wait for it to be ready.
func (b *Broker) Start(overrides ...string) (*Process, error) {
	if len(b.Command) > 0 {
		_, port, err := net.SplitHostPort(b.Listen)
		if err != nil {
			return nil, err
		}
		replace := strings.NewReplacer("{dir}", filepath.Join(b.Dir, "data"), "{port}", port)
		args := make([]string, len(b.Command))
		for i, arg := range b.Command {
			args[i] = replace.Replace(arg)
		}
		return Start(b.Log(), b.Env, args...)
	}
	args := []string{b.Seawall, "start", b.File}
	if b.File == "" {
		args = []string{b.Seawall, "dev", "--dir", filepath.Join(b.Dir, "data"), "--listen", b.Listen, "--admin", b.Admin}
	}
	if b.File == "" && b.Store != "" {
		args = append(args, "--store", b.Store)
	}
	for _, o := range overrides {
		args = append(args, "--override", o)
	}
	return Start(b.Log(), b.Env, args...)
}

// WaitReady waits until the broker serves all of its partitions, where it is
// Seawall, or else until its port accepts connections.
func (b *Broker) WaitReady(ctx context.Context, p *Process) error {
	if len(b.Command) > 0 {
		return p.WaitListening(ctx, b.Listen)
	}
	for {
		if status, _, err := get(ctx, "http://"+b.Admin+"/readyz?partitions=all"); err == nil && status == http.StatusOK {
			return nil
		}
		if err := p.pause(ctx, b.Admin); err != nil {
			return err
		}
	}
}

// Metrics are the broker's metrics now, by name with labels as they stand there.
func (b *Broker) Metrics(ctx context.Context) (map[string]float64, error) {
	_, body, err := get(ctx, "http://"+b.Admin+"/metrics")
	if err != nil {
		return nil, err
	}
	metrics := make(map[string]float64)
	scan := bufio.NewScanner(strings.NewReader(body))
	for scan.Scan() {
		line := scan.Text()
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		v, err := strconv.ParseFloat(line[i+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("metric %q: %w", line, err)
		}
		metrics[line[:i]] = v
	}
	return metrics, scan.Err()
}

// bodyBytesMax bounds an answer of the admin listener.
const bodyBytesMax = 16 << 20

func get(ctx context.Context, url string) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, bodyBytesMax))
	return resp.StatusCode, string(b), err
}
