package main

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/bench/cost"
	"github.com/seawallmq/seawall/bench/htmlreport"
	"github.com/seawallmq/seawall/internal/config"
)

func newBenchCostCommand() *cobra.Command {
	var w cost.Workload
	var rate, retention, html string
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Compare what ways to acknowledge cost a month, by rate",
		Long: "Print what Seawall on a WAL, straight to S3, and Kafka with three replicas cost, by rate, and where\n" +
			"they cross: a model by dated list prices, nothing measured. Its assumptions are printed with it.",
		Args: usageArgs(cobra.NoArgs),
	}
	cmd.Flags().StringVar(&rate, "rate", "", "only at this rate of produced bytes a second, as 10MiB; and with every item")
	cmd.Flags().StringVar(&retention, "retention", "7d", "how long records are kept, as 36h or 7d")
	cmd.Flags().IntVar(&w.Groups, "groups", 1, "consumer groups that read everything at the tail")
	cmd.Flags().Float64Var(&w.Reread, "reread", 0.1, "share of everything that is read once more later")
	cmd.Flags().IntVar(&w.Zones, "zones", 3, "availability zones")
	cmd.Flags().IntVar(&w.Brokers, "brokers", 3, "brokers, at least one a zone")
	cmd.Flags().StringVar(&html, "html", "", "draw it into this HTML file too")
	prices := pricesFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if w.Retention, err = parseDays(retention); err != nil {
			return usageError{err}
		}
		if rate != "" {
			bytes, err := config.ParseSize(rate)
			if err != nil {
				return usageError{fmt.Errorf("--rate: %w", err)}
			}
			w.BytesPerSecond = float64(bytes)
		}
		if err := w.Validate(); err != nil {
			return usageError{err}
		}
		p, err := readPrices(*prices)
		if err != nil {
			return err
		}
		out := bufio.NewWriter(cmd.OutOrStdout())
		cost.Print(out, w, p)
		if err := out.Flush(); err != nil || html == "" {
			return err
		}
		return htmlreport.WriteCostHTML(html, w, p)
	}
	return cmd
}

// parseDays reads a duration that may be in days, as 7d.
func parseDays(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("--retention: %q is neither like 36h nor like 7d", s)
	}
	return d, nil
}
