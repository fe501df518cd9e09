package helper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

const (
	commandOutputMax = 1 << 20         // bytes that a command may print
	commandLastWords = 500             // bytes of its stderr that are logged
	commandPipeGrace = 2 * time.Second // for processes that it leaves behind, which hold its output open
)

var errTooMuchOutput = fmt.Errorf("it printed more than %d bytes", commandOutputMax)

// command runs a program of the administrator's, for each call a process of its own.
type command struct {
	path string
	args []string // with places such as {file} to fill in
}

// newCommand finds the program. No shell is asked.
func newCommand(line []string) (command, error) {
	path, err := exec.LookPath(line[0])
	return command{path: path, args: line[1:]}, err
}

// run fills in the places of the arguments (pairs of a place and what goes there), feeds input to the program and returns
// what it prints. When ctx ends, the program and all that it has started are killed.
func (c command) run(ctx context.Context, input io.Reader, places ...string) (string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	fill := strings.NewReplacer(places...)
	args := make([]string, len(c.args))
	for i, argument := range c.args {
		args[i] = fill.Replace(argument)
	}
	process := exec.CommandContext(ctx, c.path, args...)
	process.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, environPrefix) }) // secrets among them
	process.Stdin = input
	printed := &bounded{most: commandOutputMax, full: func() { cancel(errTooMuchOutput) }}
	complained := &tail{most: commandLastWords}
	process.Stdout, process.Stderr = printed, complained
	process.WaitDelay = commandPipeGrace
	ownGroup(process)
	err := process.Run()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		killGroup(process)
	}
	if err != nil {
		return "", fmt.Errorf("run %s: %w%s", c.path, err, complained)
	}
	return strings.ToValidUTF8(printed.kept.String(), "\uFFFD"), nil
}

// bounded keeps what is written, up to a limit; what goes beyond is refused.
type bounded struct {
	kept bytes.Buffer // not embedded: its ReadFrom would pass by the limit
	most int
	full func() // called where it is too much
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.kept.Len()+len(p) > b.most {
		b.full()
		return 0, errTooMuchOutput
	}
	return b.kept.Write(p)
}

// tail keeps the end of what is written.
type tail struct {
	kept []byte
	most int
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if cut := len(t.kept) - t.most; cut > 0 {
		t.kept = append(t.kept[:0], t.kept[cut:]...)
	}
	return len(p), nil
}

// String is what was kept as one line for a log, or nothing.
func (t *tail) String() string {
	words := strings.Join(strings.Fields(strings.ToValidUTF8(string(t.kept), "\uFFFD")), " ")
	if words == "" {
		return ""
	}
	return ": " + words
}
