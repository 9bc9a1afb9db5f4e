package history

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The text form of a history of sends, one line each:
//
//	seawall-oracle 1 TOPIC      first line: format, version, topic
//	acked PRODUCER SEQ PARTITION OFFSET
//	unknown PRODUCER SEQ PARTITION
//	complete                    last line, unless the writer was cut short
const (
	logFormat  = "seawall-oracle"
	logVersion = 1
)

// WriteLog writes the sends and acks of a history, but none of its reads.
func (h *History) WriteLog(w io.Writer, topic string) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s %d %s\n", logFormat, logVersion, topic)
	for producer, sends := range h.sends {
		for seq, s := range sends {
			if s.acked {
				fmt.Fprintf(out, "acked %d %d %d %d\n", producer, seq, s.partition, s.offset)
			} else {
				fmt.Fprintf(out, "unknown %d %d %d\n", producer, seq, s.partition)
			}
		}
	}
	fmt.Fprintln(out, "complete")
	return out.Flush()
}

// ReadLog reads what WriteLog wrote, also when it was cut short, and returns
// the topic with it.
func ReadLog(r io.Reader) (h *History, topic string, err error) {
	scan := bufio.NewScanner(r)
	if !scan.Scan() {
		return nil, "", errors.Join(errors.New("history: an empty log"), scan.Err())
	}
	var format string
	var version int
	if _, err := fmt.Sscan(scan.Text(), &format, &version, &topic); err != nil || format != logFormat {
		return nil, "", fmt.Errorf("history: not a log of acknowledgements: %q", scan.Text())
	}
	if version > logVersion {
		return nil, "", fmt.Errorf("history: a log of version %d; this program reads up to %d", version, logVersion)
	}
	h = New(false)
	for n := 2; scan.Scan(); n++ {
		if err := h.readLine(scan.Text()); err != nil {
			return nil, "", fmt.Errorf("history: line %d: %w", n, err)
		}
	}
	return h, topic, scan.Err()
}

func (h *History) readLine(line string) error {
	var v Value
	var at Position
	word, rest, _ := strings.Cut(line, " ")
	var err error
	switch word {
	case "acked":
		_, err = fmt.Sscan(rest, &v.Producer, &v.Seq, &at.Partition, &at.Offset)
	case "unknown":
		_, err = fmt.Sscan(rest, &v.Producer, &v.Seq, &at.Partition)
	case "complete":
		h.open = false
		return nil
	default:
		err = errors.New("an unknown word")
	}
	if err != nil {
		return fmt.Errorf("%q: %w", line, err)
	}
	if v.Producer < 0 || v.Producer > producersMax {
		return fmt.Errorf("%q: producers are numbered up to %d", line, producersMax)
	}
	if v.Producer < len(h.sends) && v.Seq != int64(len(h.sends[v.Producer])) || v.Producer >= len(h.sends) && v.Seq != 0 {
		return fmt.Errorf("%q: a producer's values stand in order", line)
	}
	h.Sent(v, at.Partition)
	if word == "acked" {
		h.Acked(v, at)
	}
	return nil
}

// producersMax bounds the number of a producer in a log.
const producersMax = 1 << 16
