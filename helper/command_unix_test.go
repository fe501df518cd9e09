//go:build unix

package helper

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func shell(t *testing.T, script string) command {
	t.Helper()
	c, err := newCommand([]string{"sh", "-c", script, "sh", "{what}"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCommandRun(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, script, input, what string
		want, wrong               string // the output, or words of the error
	}{
		{name: "prints", script: `printf '%s' "$1"`, what: "a b; $(c)", want: "a b; $(c)"},
		{name: "reads", script: "cat", input: "你好\n", want: "你好\n"},
		{name: "does not read", script: "echo done", input: strings.Repeat("x", 1<<20), want: "done\n"},
		{name: "prints no text", script: `printf 'a\377b'`, want: "a\uFFFDb"},
		{name: "fails", script: "echo partly; echo  not  today >&2; exit 3", wrong: "exit status 3: not today"},
		{name: "fails with many words", script: `i=0; while [ $i -lt 500 ]; do echo noise$i; i=$((i+1)); done >&2; echo the end >&2; exit 1`, wrong: "noise499 the end"},
		{name: "is killed", script: "kill -9 $$", wrong: "signal: killed"},
		{name: "prints without end", script: "while :; do echo more and more and more and more and more; done", wrong: errTooMuchOutput.Error()},
		{name: "leaves something behind", script: "sleep 300 & echo done", wrong: "WaitDelay"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := shell(t, test.script).run(t.Context(), strings.NewReader(test.input), "{what}", test.what)
			if test.wrong == "" && (err != nil || got != test.want) {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
			if test.wrong != "" && (err == nil || got != "" || !strings.Contains(err.Error(), test.wrong) || len(err.Error()) > commandLastWords+100) {
				t.Errorf("got %q, %v, want an error with %q", got, err, test.wrong)
			}
		})
	}
	if _, err := newCommand([]string{"no-such-program-anywhere"}); err == nil {
		t.Error("a program that is not there was found")
	}
}

// The secrets of the server are not for the programs that it runs.
func TestCommandSeesNoSettings(t *testing.T) {
	t.Setenv("PARLOR_AUTH_SECRET", "hunter2")
	t.Setenv("ELSEWHERE", "here")
	got, err := shell(t, "env").run(t.Context(), nil)
	if err != nil || strings.Contains(got, "PARLOR_") || !strings.Contains(got, "ELSEWHERE=here") {
		t.Errorf("got %q, %v", got, err)
	}
}

// What a program has started ends with it.
func TestCommandEndsWithItsChildren(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	ended := make(chan error, 1)
	c := shell(t, `(exec 3>"$1"; echo started >&3; sleep 300) & wait`)
	go func() {
		_, err := c.run(ctx, nil, "{what}", path)
		ended <- err
	}()
	alive, err := os.Open(path) // returns when the child opens it, too
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	cancel(enough)
	if err := <-ended; !errors.Is(err, enough) {
		t.Errorf("ended with %v", err)
	}
	if _, err := io.ReadAll(alive); err != nil { // ends when nobody holds it open any more
		t.Error(err)
	}
}
