package service

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/sync/singleflight"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// Words turns speech into text, and texts into other languages.
type Words struct{ *core }

// Speech writes down what is said in a recording. Where its error is no *define.Error, the provider has failed, and the error is
// for the log.
type Speech interface {
	Transcribe(ctx context.Context, r helper.Recording) (helper.Transcript, error)
}

// Translator turns a text into the language `to`. An empty `from` is to be found out. Its errors are those of Speech, and
// ErrInvalid for a language that it can't do.
type Translator interface {
	Translate(ctx context.Context, text, from, to string) (helper.Translated, error)
}

// words are the providers and their work under way. Whoever asks for what another is waiting for already gets the same.
type words struct {
	speech     Speech
	translator Translator
	flights    singleflight.Group
	running    context.Context // ends with the server, not with one of those who wait
	interrupt  context.CancelFunc
}

func newWords(p Providers) words {
	running, interrupt := context.WithCancel(context.Background())
	return words{speech: p.Speech, translator: p.Translator, running: running, interrupt: interrupt}
}

// once does a piece of work that several may be waiting for. It goes on when its caller has gone away, for the others.
func once[T any](ctx context.Context, w *words, key string, work func(context.Context) (T, error)) (T, error) {
	result, err, _ := w.flights.Do(key, func() (any, error) { return work(context.WithoutCancel(ctx)) })
	done, _ := result.(T)
	return done, err
}

// failed is what callers are told of a provider's error.
func (w *words) failed(err error, failure *define.Error) error {
	var refusal *define.Error
	switch {
	case err == nil, errors.As(err, &refusal):
		return err
	case w.running.Err() != nil:
		return define.ErrStopping.With(err)
	}
	return failure.With(err)
}

// saidIn is the text of a message in its language, if anybody knows it: what was written, else what is said in a recording
// that was transcribed.
func saidIn(m *models.Message) (text, language string) {
	if m.Type == define.MessageSystem {
		return "", ""
	}
	if strings.TrimSpace(m.Data) == "" && m.Transcription != nil {
		return m.Transcription.Text, m.Transcription.Language
	}
	return m.Data, ""
}

// forgetTranslations deletes the translations of all that is said in a message.
func (c *core) forgetTranslations(ctx context.Context, m *models.Message) error {
	var err error
	if m.Data != "" {
		err = c.store.Translations.Forget(ctx, m.Data)
	}
	if m.Transcription != nil {
		err = errors.Join(err, c.store.Translations.Forget(ctx, m.Transcription.Text))
	}
	return err
}
