package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/internal/node/status"
)

func newWALAbandonCommand() *cobra.Command {
	var addr string
	var yes, force bool
	c := &cobra.Command{
		Use:   "abandon NODE|INSTANCE",
		Short: "Give up a WAL that nobody can reach, and say what is lost with it",
		Long: "Give up a WAL that nobody can reach, named by its instance, or all that a node left behind, by the\n" +
			"node's number. First it says which offsets of which partitions are in the WAL alone; without --yes\n" +
			"that is all, and the exit code is 1. With --yes they are lost for good: partitions that waited for\n" +
			"the WAL go on where the metadata knows their end. Should the WAL turn up later, it is not read again.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			var l status.Losses
			path := "/v1/wal/losses?" + url.Values{"wal": {args[0]}}.Encode()
			if _, err := askAdmin(cmd.Context(), addr, path, &l); err != nil {
				return err
			}
			if err := l.Print(cmd.OutOrStdout()); err != nil {
				return err
			}
			if !yes {
				return errors.New("nothing is given up yet: bring the WAL back if that can be done, or repeat this with --yes")
			}
			for _, w := range l.WALs {
				if err := abandonWAL(cmd.Context(), addr, w, force); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "WAL %s is given up.\n", w.Instance)
			}
			return nil
		},
	}
	adminFlag(c, &addr)
	c.Flags().BoolVar(&yes, "yes", false, "do give it up")
	c.Flags().BoolVar(&force, "force", false, "even while a living node is to rescue it, and may succeed")
	return c
}

// abandonWAL gives up one WAL, if it stands as it was listed.
func abandonWAL(ctx context.Context, addr string, w status.LostWAL, force bool) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	form := url.Values{
		"instance": {w.Instance}, "holder": {w.Holder.String()}, "epoch": {w.HolderEpoch.String()}, "force": {fmt.Sprint(force)},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v1/wal/abandon", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, err = doAdmin(req)
	return err
}
