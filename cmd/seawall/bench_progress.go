package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/units"
)

// progressEvery is how often a load is told of where nothing can be written over.
const progressEvery = 5 * time.Second

// progress tells what the harness is doing: on a terminal in one line that changes,
// elsewhere in lines from time to time.
type progress struct {
	w        io.Writer
	terminal bool
	began    time.Time

	mu      sync.Mutex
	pending bool // the line on the terminal is to be written over
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, terminal: isTerminal(w), began: time.Now()}
}

// log tells of one thing for good.
func (p *progress) log(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(p.w, "%5.0fs  %s\n", time.Since(p.began).Seconds(), fmt.Sprintf(format, args...))
}

// second tells how a load is going.
func (p *progress) second(turn string, l load.Progress) {
	if !p.terminal && (l.At+time.Second)%progressEvery != 0 {
		return
	}
	phase := "measuring"
	if l.At < 0 {
		phase = "warming up"
	}
	text := fmt.Sprintf("%s: %s, %.0fs left, %s/s acked, p50 %s, p99 %s, max %s", turn, phase, l.Left.Seconds(),
		units.Count(l.Point.Acked), units.Duration(l.P50), units.Duration(l.P99), units.Duration(l.Max))
	if l.Failed > 0 {
		text += fmt.Sprintf(", %s FAILED", units.Count(l.Failed))
	}
	if !p.terminal {
		p.log("%s", text)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	line := []rune(fmt.Sprintf("%5.0fs  %s", time.Since(p.began).Seconds(), text))
	fmt.Fprint(p.w, string(line[:min(len(line), columns(p.w))])) // a longer one could not be written over
	p.pending = true
}

// columns is what a line on a terminal may have.
func columns(w io.Writer) int {
	const usual = 80
	f, ok := w.(*os.File)
	if !ok {
		return usual
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col < 2 {
		return usual
	}
	return int(size.Col) - 1
}

// clear takes away the line that is to be written over.
func (p *progress) clear() {
	if p.pending {
		fmt.Fprint(p.w, "\r\x1b[2K")
		p.pending = false
	}
}
