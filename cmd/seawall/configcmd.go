package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/internal/config"
)

func newConfigCommand() *cobra.Command {
	var asMarkdown, asJSON bool
	c := &cobra.Command{
		Use:   "config [PREFIX]",
		Short: "Print every property: type, default, meaning",
		Long: "Print every property that a broker or a topic may carry, or those whose name begins with PREFIX:\n" +
			"type, default, allowed values, meaning, and where it may be set.",
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if asMarkdown && asJSON {
				return usageError{errors.New("--markdown and --json exclude each other")}
			}
			defs := config.All(config.Broker | config.PerTopic)
			if len(args) == 1 {
				defs = withPrefix(defs, args[0])
			}
			if len(defs) == 0 {
				return fmt.Errorf("no property begins with %q", args[0])
			}
			switch out := cmd.OutOrStdout(); {
			case asJSON:
				return writeConfigJSON(out, defs)
			case asMarkdown:
				return writeConfigMarkdown(out, defs)
			default:
				return writeConfigText(out, defs)
			}
		},
	}
	c.Flags().BoolVar(&asMarkdown, "markdown", false, "print a markdown table")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func withPrefix(defs []*config.Def, prefix string) []*config.Def {
	var found []*config.Def
	for _, d := range defs {
		if strings.HasPrefix(d.Name, prefix) {
			found = append(found, d)
		}
	}
	return found
}

// traits says all about d that its name, default and meaning do not.
func traits(d *config.Def) []string {
	t := []string{d.Type.String()}
	if d.Unit != "" {
		t[0] += " (" + d.Unit + ")"
	}
	if d.Valid != nil {
		t = append(t, d.Valid.String())
	}
	switch d.Scope {
	case config.Broker:
		t = append(t, "broker, "+d.Update.String())
	case config.PerTopic:
		t = append(t, "topic")
	default:
		t = append(t, "topic and broker, "+d.Update.String())
	}
	return t
}

// otherNames are the synonyms of d, strongest first.
func otherNames(d *config.Def) []string {
	var names []string
	for _, s := range d.Synonyms {
		names = append(names, s.Name)
	}
	return names
}

func writeConfigText(w io.Writer, defs []*config.Def) error {
	var b strings.Builder
	for _, d := range defs {
		fmt.Fprintf(&b, "%s=%s\n    %s\n", d.Name, d.Default, strings.Join(traits(d), "; "))
		if names := otherNames(d); len(names) > 0 {
			fmt.Fprintf(&b, "    else from %s\n", strings.Join(names, ", "))
		}
		fmt.Fprintf(&b, "    %s\n", d.Doc)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeConfigMarkdown(w io.Writer, defs []*config.Def) error {
	var b strings.Builder
	b.WriteString("| property | default | type, values, where | meaning |\n|---|---|---|---|\n")
	for _, d := range defs {
		fallback := ""
		if d.Default != "" {
			fallback = "`" + d.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, fallback, strings.Join(traits(d), "; "), strings.ReplaceAll(d.Doc, "|", `\|`))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// property is one Def as JSON.
type property struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Env      string   `json:"env,omitempty"` // of a broker property
	Default  string   `json:"default,omitempty"`
	Unit     string   `json:"unit,omitempty"`
	Values   string   `json:"values,omitempty"`
	Synonyms []string `json:"synonyms,omitempty"`
	Broker   bool     `json:"broker"`
	Topic    bool     `json:"topic"`
	Update   string   `json:"update,omitempty"` // of a broker property
	Inert    bool     `json:"inert,omitempty"`
	Doc      string   `json:"doc"`
}

func writeConfigJSON(w io.Writer, defs []*config.Def) error {
	list := make([]property, len(defs))
	for i, d := range defs {
		list[i] = property{
			Name: d.Name, Type: d.Type.String(), Default: d.Default, Unit: d.Unit, Synonyms: otherNames(d),
			Broker: d.Scope&config.Broker != 0, Topic: d.Scope&config.PerTopic != 0, Inert: d.Inert, Doc: d.Doc,
		}
		if d.Valid != nil {
			list[i].Values = d.Valid.String()
		}
		if list[i].Broker {
			list[i].Env, list[i].Update = config.EnvName(d.Name), d.Update.String()
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(list)
}
