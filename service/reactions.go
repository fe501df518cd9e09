package service

import (
	"context"
	"errors"
	"unicode"
	"unicode/utf8"

	"parlor/define"
	"parlor/models"
)

// React sets an emoji of the caller's on a message. Refusals: ErrMessageNotFound, ErrRecalled, and those of writing.
func (s *Messages) React(ctx context.Context, c Caller, identity int64, emoji string) (Message, error) {
	if !isEmoji(emoji) {
		return Message{}, define.Invalid("emoji", "must be an emoji", "必须是表情符号")
	}
	return s.react(ctx, c, identity, func(m *models.Message) (models.Message, error) {
		changed, err := s.store.Messages.AddReaction(ctx, identity, emoji, c.User, define.ReactionsMax, changedAt(m))
		if errors.Is(err, models.ErrNotFound) && len(m.Reactions) >= define.ReactionsMax {
			return changed, define.Invalid("emoji", "is one too many on this message", "该消息的表情数量已达上限")
		}
		return changed, notFound(err, define.ErrRecalled)
	})
}

// Unreact takes an emoji of the caller's away; where he has not set it, nothing changes.
func (s *Messages) Unreact(ctx context.Context, c Caller, identity int64, emoji string) (Message, error) {
	return s.react(ctx, c, identity, func(m *models.Message) (models.Message, error) {
		changed, err := s.store.Messages.RemoveReaction(ctx, identity, emoji, c.User, changedAt(m))
		if errors.Is(err, models.ErrNotFound) {
			return *m, nil
		}
		return changed, err
	})
}

func (s *Messages) react(ctx context.Context, c Caller, identity int64, change func(*models.Message) (models.Message, error)) (Message, error) {
	if err := limit(s.limits.send, c.User); err != nil {
		return Message{}, err
	}
	defer s.lockMessage(identity)()
	m, _, err := s.readable(ctx, c, identity)
	if err != nil {
		return Message{}, err
	}
	if m.RecalledAt > 0 {
		return Message{}, define.ErrRecalled
	}
	if _, err := s.writerOf(ctx, c.User, m.RoomIdentity); err != nil {
		return Message{}, err
	}
	if m, err = change(&m); err != nil {
		return Message{}, err
	}
	return s.changed(ctx, c, define.EventMessageReacted, &m)
}

// emojiStyle asks for a sign to be shown as an emoji: ‼, ↔ and others are punctuation or arrows without it.
const emojiStyle = '\ufe0f'

// isEmoji takes symbols, with what joins and colours them, and refuses words.
func isEmoji(s string) bool {
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > 16 {
		return false
	}
	symbol := false
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsSpace(r) || unicode.IsControl(r) {
			return false
		}
		symbol = symbol || r == emojiStyle || unicode.In(r, unicode.So, unicode.Me)
	}
	return symbol
}
