package cost

// Line is one thing that is paid for.
type Line struct {
	Item     Item
	Quantity float64 // in the units of the price
	USD      float64
	Estimate bool // the price is one
}

// Bill is what something costs, by item, in the order of the price list's
// items.
type Bill struct{ Lines []Line }

// USD is all of it.
func (b *Bill) USD() (total float64) {
	for _, l := range b.Lines {
		total += l.USD
	}
	return total
}

// Of is what one item costs, 0 if it is not on the bill.
func (b *Bill) Of(item Item) float64 {
	for _, l := range b.Lines {
		if l.Item == item {
			return l.USD
		}
	}
	return 0
}

// Used is how much of each item was used, in the units of the prices.
type Used map[Item]float64

// add notes that more was used; what is not positive is not.
func (u Used) add(item Item, quantity float64) {
	if quantity > 0 {
		u[item] += quantity
	}
}

// Bill prices what was used.
func (p *Prices) Bill(u Used) *Bill {
	b := new(Bill)
	for _, item := range items {
		if q := u[item]; q > 0 {
			of := p.Of[item]
			b.Lines = append(b.Lines, Line{item, q, q * of.USD / of.Per, of.Estimate})
		}
	}
	return b
}
