package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/node/status"
)

// adminDefault is where a node's admin listener is unless it is told otherwise.
const adminDefault = "127.0.0.1:9644"

// askTimeout bounds one question to an admin listener.
const askTimeout = 40 * time.Second

func adminFlag(c *cobra.Command, addr *string) {
	c.Flags().StringVar(addr, "admin", adminDefault, "ask the admin listener of any node at `host:port`")
}

func newStatusCommand() *cobra.Command {
	var addr string
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show a cluster: nodes, controllers, WALs, what is moving or offline",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s status.Cluster
			raw, err := askAdmin(cmd.Context(), addr, "/v1/status", &s)
			if err != nil {
				return err
			}
			if asJSON {
				_, err := cmd.OutOrStdout().Write(raw)
				return err
			}
			return s.Print(cmd.OutOrStdout())
		},
	}
	adminFlag(c, &addr)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func newBalanceCommand() *cobra.Command {
	var addr string
	var dryRun bool
	c := &cobra.Command{
		Use:   "balance --dry-run",
		Short: "Explain what balancing would move now",
		Long: "Explain what balancing would move now, and why. The active controller carries it out by itself,\n" +
			"a few moves at a time; by its own admin listener the plan goes by load, by another's by the number\n" +
			"of partitions.",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !dryRun {
				return usageError{errors.New("the active controller balances by itself: there is only --dry-run")}
			}
			var p status.Plan
			if _, err := askAdmin(cmd.Context(), addr, "/v1/balance", &p); err != nil {
				return err
			}
			return p.Print(cmd.OutOrStdout())
		},
	}
	adminFlag(c, &addr)
	c.Flags().BoolVar(&dryRun, "dry-run", false, "move nothing")
	return c
}

func newDrainCommand() *cobra.Command {
	var addr string
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "drain NODE",
		Short: "Move everything off a node",
		Long: "Have a node give up all that it leads, and wait until others lead it. The node stays up and is given\n" +
			"nothing until its next start; SIGTERM then ends it at once.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 32)
			if err != nil || id < 0 {
				return usageError{fmt.Errorf("%q is no node's number", args[0])}
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return drainNode(ctx, cmd.OutOrStdout(), addr, ids.NodeID(id))
		},
	}
	adminFlag(c, &addr)
	c.Flags().DurationVar(&timeout, "timeout", 5*time.Minute, "give up waiting after this long")
	return c
}

// drainNode begins a drain and follows it.
func drainNode(ctx context.Context, out io.Writer, addr string, id ids.NodeID) error {
	form := url.Values{"node": {id.String()}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v1/drain", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if _, err := doAdmin(req); err != nil {
		return err
	}
	for last := -1; ; {
		var s status.Cluster
		if _, err := askAdmin(ctx, addr, "/v1/status", &s); err != nil {
			return err
		}
		left, ok := s.Leads(id)
		if !ok || left == 0 {
			fmt.Fprintf(out, "Node %d leads nothing any more.\n", id)
			return nil
		}
		if left != last {
			fmt.Fprintf(out, "Node %d still leads %d partitions.\n", id, left)
			last = left
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("node %d still leads %d partitions: %w", id, left, ctx.Err())
		}
	}
}

// askAdmin gets JSON from an admin listener into v.
func askAdmin(ctx context.Context, addr, path string, v any) (raw []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return nil, err
	}
	if raw, err = doAdmin(req); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, fmt.Errorf("%s: %w", req.URL, err)
	}
	return raw, nil
}

// answerBytesMax bounds an answer of an admin listener.
const answerBytesMax = 16 << 20

// doAdmin sends a request and returns the body of a good answer.
func doAdmin(req *http.Request) ([]byte, error) {
	resp, err := http.DefaultClient.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return nil, fmt.Errorf("no answer from an admin listener at %s: %w", req.URL.Host, failed.Err)
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerBytesMax))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("%s: %s: %s", req.URL, resp.Status, strings.TrimSpace(string(body)))
	}
	return body, nil
}
