package htmlreport

import (
	"html/template"
	"io"

	"github.com/seawallmq/seawall/bench/cost"
	"github.com/seawallmq/seawall/bench/digest"
	"github.com/seawallmq/seawall/bench/result"
)

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Seawall bench</title>
{{range .Headline}}<p>{{.}}</p>
{{end}}{{range .Warnings}}<p><strong>{{if .Wrong}}Wrong{{else}}Doubt{{end}}</strong> {{.}}</p>
{{end}}</html>
`))

// HTML draws a result as a page.
func HTML(w io.Writer, r *result.Result, _ *cost.Prices) error {
	return page.Execute(w, digest.Of(r))
}
