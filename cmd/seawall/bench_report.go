package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/bench/digest"
	"github.com/seawallmq/seawall/bench/htmlreport"
	"github.com/seawallmq/seawall/bench/report"
	"github.com/seawallmq/seawall/bench/result"
)

// comparisonMark is that of the figures in a page of Markdown.
const comparisonMark = "bench compare"

func newBenchReportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report RESULT.json",
		Short: "Draw a result again",
		Long: "Print what a run of the harness found, from the result.json that it left. With --out, also draw the\n" +
			"page with figures and costs; with --page, renew the tables of a page in Markdown.",
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	out := cmd.Flags().String("out", "", "draw the page into this HTML file")
	page := cmd.Flags().String("page", "", "renew what stands between <!-- "+comparisonMark+": begin --> and end in this file")
	prices := pricesFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := readResult(args[0])
		if err != nil {
			return err
		}
		p, err := readPrices(*prices)
		if err != nil {
			return err
		}
		if err := digest.Terminal(cmd.OutOrStdout(), r); err != nil {
			return err
		}
		if *out != "" {
			if err := htmlreport.WriteHTML(*out, r, p); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "\nwritten to %s\n", *out)
		}
		if *page != "" {
			var tables strings.Builder
			if err := digest.Markdown(&tables, r); err != nil {
				return err
			}
			return report.RenewPage(*page, comparisonMark, tables.String())
		}
		return nil
	}
	return cmd
}

func readResult(path string) (*result.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := result.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
