package cost

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Item names a price.
type Item string

// The items that every list prices.
const (
	S3Put            Item = "s3.put"
	S3Get            Item = "s3.get"
	S3List           Item = "s3.list"
	S3Stored         Item = "s3.stored"
	ExpressPut       Item = "express.put"
	ExpressGet       Item = "express.get"
	ExpressUploaded  Item = "express.uploaded"
	ExpressRetrieved Item = "express.retrieved"
	ExpressStored    Item = "express.stored"
	GP3Stored        Item = "gp3.stored"
	GP3IOPS          Item = "gp3.iops"
	GP3Throughput    Item = "gp3.throughput"
	IO2Stored        Item = "io2.stored"
	IO2IOPS          Item = "io2.iops"
	FSxStored        Item = "fsx.stored"
	FSxThroughput    Item = "fsx.throughput"
	Instance         Item = "instance"
	CrossZone        Item = "crosszone"
)

var items = []Item{
	S3Put, S3Get, S3List, S3Stored,
	ExpressPut, ExpressGet, ExpressUploaded, ExpressRetrieved, ExpressStored,
	GP3Stored, GP3IOPS, GP3Throughput, IO2Stored, IO2IOPS, FSxStored, FSxThroughput,
	Instance, CrossZone,
}

// Items are all that a list prices, in the order of bills.
func Items() []Item { return slices.Clone(items) }

// Price is what a number of units costs, and who says so.
type Price struct {
	USD    float64 `json:"usd"`
	Per    float64 `json:"per"`  // so many units cost USD
	Unit   string  `json:"unit"` // as people read it
	Source string  `json:"source"`
	// Estimate says that the source does not give the figure itself.
	Estimate bool `json:"estimate,omitempty"`
}

// Prices is a dated list.
type Prices struct {
	Name string         `json:"name"`
	Date string         `json:"date"` // 2006-01-02: when the list was looked up
	Of   map[Item]Price `json:"prices"`
}

//go:embed prices/aws-us-east-1.json
var listed string

// Listed is the list that comes with the program.
func Listed() *Prices {
	p, err := ReadPrices(strings.NewReader(listed))
	if err != nil {
		panic(err) // it is tested
	}
	return p
}

// ReadPrices reads a list. The error names everything that is wrong with it:
// items that are missing or unknown, prices that are not positive or come from
// nowhere, a date that is none.
func ReadPrices(r io.Reader) (*Prices, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	p := new(Prices)
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("prices: %w", err)
	}
	var faults []error
	if _, err := time.Parse(time.DateOnly, p.Date); err != nil {
		faults = append(faults, fmt.Errorf("date %q is not like 2006-01-02", p.Date))
	}
	for _, item := range items {
		of, ok := p.Of[item]
		switch {
		case !ok:
			faults = append(faults, fmt.Errorf("%s is missing", item))
		case of.USD <= 0 || of.Per <= 0 || of.Unit == "" || of.Source == "":
			faults = append(faults, fmt.Errorf("%s needs a positive usd and per, a unit and a source", item))
		}
	}
	for item := range p.Of {
		if !slices.Contains(items, item) {
			faults = append(faults, fmt.Errorf("%s is unknown", item))
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("prices: %w", errors.Join(faults...))
	}
	return p, nil
}
