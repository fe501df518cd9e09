package service

import (
	"context"
	"errors"
	"strings"
	"time"

	"parlor/define"
	"parlor/models"
)

// Translate returns a text in another language; one that is in it already comes back as it is. Refusals: ErrInvalid, also for
// languages that the provider can't do, ErrRateLimited, ErrNoTranslation, ErrTranslationFailed, ErrStopping.
func (s *Words) Translate(ctx context.Context, c Caller, in TranslationInput) (Translation, error) {
	if err := check(in); err != nil {
		return Translation{}, err
	}
	if strings.TrimSpace(in.Text) == "" {
		return Translation{}, define.Invalid("text", "is needed", "为必填字段")
	}
	return s.translate(ctx, c, in.Text, in.From, in.To)
}

// TranslateMessage returns what a message says in another language: its text or caption, else its transcription. Refusals: those
// of Translate, ErrMessageNotFound, ErrLocked, ErrRecalled, ErrInvalid where it says nothing in words.
func (s *Words) TranslateMessage(ctx context.Context, c Caller, identity int64, in MessageTranslationInput) (Translation, error) {
	if err := check(in); err != nil {
		return Translation{}, err
	}
	m, _, err := s.readable(ctx, c, identity)
	if err != nil {
		return Translation{}, err
	}
	if m.RecalledAt > 0 {
		return Translation{}, define.ErrRecalled
	}
	text, language := saidIn(&m)
	if strings.TrimSpace(text) == "" {
		return Translation{}, define.Invalid("message", "says nothing in words", "消息中没有文字")
	}
	if in.From == "" {
		in.From = language
	}
	translated, err := s.translate(ctx, c, text, in.From, in.To)
	if err != nil {
		return Translation{}, err
	}
	return translated, s.stillSays(ctx, &m)
}

// stillSays returns ErrRecalled where a message was recalled while it was being translated. A recall or an edit changes the
// message, then deletes its translations; here one was kept, then the message is read. So whichever comes last deletes it.
func (s *Words) stillSays(ctx context.Context, before *models.Message) error {
	m, err := s.store.Messages.Get(ctx, before.Identity)
	if err != nil {
		return notFound(err, define.ErrMessageNotFound)
	}
	if m.RecalledAt == 0 && m.Data == before.Data {
		return nil
	}
	if err := s.forgetTranslations(ctx, before); err != nil {
		return err
	}
	if m.RecalledAt > 0 {
		return define.ErrRecalled
	}
	return nil
}

func (s *Words) translate(ctx context.Context, c Caller, text, from, to string) (Translation, error) {
	from, _ = define.Language(from) // both have been checked
	to, _ = define.Language(to)
	if from == to {
		return Translation{Text: text, From: from, To: to}, nil
	}
	identity := models.TranslationIdentity(text, from, to)
	if kept, err := s.keptTranslation(ctx, identity, to); !errors.Is(err, models.ErrNotFound) {
		return kept, err
	}
	if err := limit(s.limits.translate, c.User); err != nil {
		return Translation{}, err
	}
	return once(ctx, &s.words, "translation "+identity, func(ctx context.Context) (Translation, error) {
		if kept, err := s.keptTranslation(ctx, identity, to); !errors.Is(err, models.ErrNotFound) {
			return kept, err // another was faster since the caller has looked
		}
		done, err := s.words.translator.Translate(s.words.running, text, from, to)
		if err != nil {
			return Translation{}, s.words.failed(err, define.ErrTranslationFailed)
		}
		return Translation{Text: done.Text, From: done.From, To: to}, s.keepTranslation(ctx, identity, done.Text, done.From)
	})
}

func (s *Words) keptTranslation(ctx context.Context, identity, to string) (Translation, error) {
	kept, err := s.store.Translations.Get(ctx, identity, time.Now())
	return Translation{Text: kept.Text, From: kept.From, To: to}, err
}

func (s *Words) keepTranslation(ctx context.Context, identity, text, from string) error {
	lifetime := s.config.Translation.Cache
	if lifetime == 0 {
		return nil
	}
	return s.store.Translations.Keep(ctx, &models.Translation{Identity: identity, Text: text, From: from, ExpiresAt: time.Now().Add(lifetime)})
}
