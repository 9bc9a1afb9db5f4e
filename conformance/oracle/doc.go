// Command oracle loads a broker with idempotent producers and judges what comes back.
//
//	oracle -brokers HOST:PORT -producers 4 -seconds 10 -out acked.log
//	oracle -brokers HOST:PORT -verify acked.log
//
// The first writes, reads everything back, and leaves the acknowledgements in a
// file; the second reads the topic of that file again, however often the broker
// was restarted since. Both exit with 1 when anything acknowledged is lost,
// repeated, reordered or damaged.
package main
