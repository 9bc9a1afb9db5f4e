package members

import (
	"log/slog"
	"strings"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/lograte"
)

// logWriter takes memberlist's log, a line a Write, into ours. What goes wrong
// in a gossip of hints is nothing to wake anybody for: its errors are our
// warnings, a few at once and then one a second.
type logWriter struct {
	log     *slog.Logger
	clock   clock.Clock
	limiter lograte.Limiter
	details lograte.Limiter // those for debugging, which must not use up the others' room
}

// linesAtOnce may be written after a quiet time.
const linesAtOnce = 5

func newLogWriter(log *slog.Logger, c clock.Clock) *logWriter {
	w := &logWriter{log: log, clock: c}
	w.limiter.Burst, w.details.Burst = linesAtOnce, linesAtOnce
	return w
}

// memberlistLevels are how memberlist's lines begin.
var memberlistLevels = map[string]slog.Level{
	"[DEBUG]": slog.LevelDebug, "[INFO]": slog.LevelInfo, "[WARN]": slog.LevelWarn, "[ERR]": slog.LevelWarn, "[ERROR]": slog.LevelWarn,
}

// Write implements io.Writer.
func (w *logWriter) Write(line []byte) (int, error) {
	head, text, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
	level, known := memberlistLevels[head]
	if !known {
		level, text = slog.LevelInfo, head+" "+text
	}
	limiter := &w.limiter
	if level < slog.LevelInfo {
		limiter = &w.details
	}
	limiter.Log(w.log, level, w.clock.Now(), "gossip: "+strings.TrimPrefix(text, "memberlist: "))
	return len(line), nil
}
