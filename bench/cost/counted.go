package cost

import "time"

// Counted is what was counted of an arm, a second.
type Counted struct {
	Puts, Gets, Lists float64 // requests
	StoredBytes       float64
	FetchedBytes      float64
	Express           bool // of S3 Express One Zone, else of S3 Standard
}

// Month is what would be used in a month if it went on like that, and what was
// stored were kept for so long.
func (c Counted) Month(retention time.Duration) Used {
	u := Used{}
	kept := c.StoredBytes * retention.Seconds() / GiB
	if !c.Express {
		u.add(S3Put, c.Puts*monthSeconds)
		u.add(S3Get, c.Gets*monthSeconds)
		u.add(S3List, c.Lists*monthSeconds)
		u.add(S3Stored, kept)
		return u
	}
	u.add(ExpressPut, (c.Puts+c.Lists)*monthSeconds) // one price for both
	u.add(ExpressGet, c.Gets*monthSeconds)
	u.add(ExpressUploaded, c.StoredBytes*monthSeconds/GiB)
	u.add(ExpressRetrieved, c.FetchedBytes*monthSeconds/GiB)
	u.add(ExpressStored, kept)
	return u
}
