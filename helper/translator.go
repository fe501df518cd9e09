package helper

import (
	"context"
	"fmt"
	"strings"

	"parlor/define"
)

// Translated is a translation, and the language of the original: the one that was given, or else the one that the
// provider has found, or empty where it does not say.
type Translated struct{ Text, From string }

// translation is one kind of provider. Languages are those of the provider; from is empty where it is to find it out.
type translation interface {
	translate(ctx context.Context, text, from, to string) (Translated, error)
	// detects reports whether it finds out from which language a text is.
	detects() bool
	close()
}

// Translator turns texts into other languages. It may be used by several goroutines.
type Translator struct {
	turns       turns
	translation translation // nil where none is configured
	pairs       languagePairs
	names       map[string]string // of languages at the provider, where it has another name than we
	codes       map[string]string // the way back
	from        string            // of texts that come without a language, where the provider does not detect
}

// NewTranslator returns what config, which is valid, describes.
func NewTranslator(config define.TranslationConfig) (*Translator, error) {
	t := &Translator{
		turns: newTurns(config.Parallel, config.Timeout), pairs: newLanguagePairs(config.Pairs),
		names: map[string]string{}, codes: map[string]string{},
	}
	t.from, _ = define.Language(config.From)
	for _, entry := range config.Languages {
		ours, theirs, _ := strings.Cut(entry, "=")
		code, _ := define.Language(ours)
		t.names[code], t.codes[theirs] = theirs, code
	}
	switch config.Provider {
	case define.ProviderHTTP:
		t.translation = newTranslationService(config)
	case define.ProviderCommand:
		c, err := newCommand(config.Command)
		if err != nil {
			return nil, fmt.Errorf("translation.command: %w", err)
		}
		t.translation = translationCommand{c}
	}
	return t, nil
}

// Translate turns a text into the language `to`. An empty `from` is to be found out. Both are codes as define.Language
// gives them. Errors: ErrInvalid, which names the language that the provider can't do, define.ErrNoTranslation where
// nothing is configured; any other is the provider's failure, in words for the log.
func (t *Translator) Translate(ctx context.Context, text, from, to string) (Translated, error) {
	if t.translation == nil {
		return Translated{}, define.ErrNoTranslation
	}
	if from == "" && !t.translation.detects() {
		if from = t.pairs.source(to, t.from); from == "" && t.pairs.to(to) {
			return Translated{}, define.Invalid("from", "is needed: this server can't find out the language", "为必填字段：服务器无法识别语言")
		}
	}
	if err := t.pairs.check(from, to); err != nil {
		return Translated{}, err
	}
	var done Translated
	err := t.turns.take(ctx, func(ctx context.Context) (err error) {
		done, err = t.translation.translate(ctx, text, t.nameOf(from), t.nameOf(to))
		return err
	})
	if err != nil {
		return Translated{}, fmt.Errorf("translate: %w", err)
	}
	if from == "" {
		from = t.codeOf(done.From)
	}
	return Translated{Text: done.Text, From: from}, nil
}

func (t *Translator) nameOf(code string) string {
	if name, other := t.names[code]; other {
		return name
	}
	return code
}

func (t *Translator) codeOf(name string) string {
	if code, other := t.codes[name]; other {
		return code
	}
	code, _ := define.Language(name)
	return code
}

// Close gives back what is kept open for the next text.
func (t *Translator) Close() {
	if t.translation != nil {
		t.translation.close()
	}
}
