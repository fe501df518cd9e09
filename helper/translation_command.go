package helper

import (
	"context"
	"strings"
)

// translationCommand is a program that reads a text and prints its translation.
type translationCommand struct{ command command }

func (t translationCommand) translate(ctx context.Context, text, from, to string) (Translated, error) {
	printed, err := t.command.run(ctx, strings.NewReader(text), "{from}", from, "{to}", to)
	if !strings.HasSuffix(text, "\n") { // most programs end their last line even where the text does not
		printed = strings.TrimSuffix(printed, "\n")
	}
	return Translated{Text: printed}, err
}

func (t translationCommand) detects() bool { return false }

func (t translationCommand) close() {}
