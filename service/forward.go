package service

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"parlor/define"
	"parlor/models"
)

// Forward repeats messages that the caller can read in rooms in which he can write: one by one, in the order in which he
// names them, or merged into one message of each room that holds a copy of what was said then. It returns what was
// stored, room by room. Refusals: ErrInvalid, ErrMessageNotFound, ErrRecalled, ErrForbidden for system messages, ErrRateLimited, and those of writing
// in any of the rooms; nothing is sent then.
func (s *Messages) Forward(ctx context.Context, c Caller, in ForwardInput) (ForwardResult, error) {
	if err := check(in); err != nil {
		return ForwardResult{}, err
	}
	rooms := slices.Compact(slices.Sorted(slices.Values(in.Rooms)))
	result, err := s.forward(ctx, c, in, rooms)
	if err != nil && in.ClientID != "" && changedSince(err) {
		return s.forwarded(ctx, c, in, rooms, err)
	}
	return result, err
}

func (s *Messages) forward(ctx context.Context, c Caller, in ForwardInput, rooms []string) (ForwardResult, error) {
	originals, err := s.originals(ctx, c, in.Messages)
	if err != nil {
		return ForwardResult{}, err
	}
	for _, room := range rooms {
		if err := limit(s.limits.send, c.User); err != nil {
			return ForwardResult{}, err
		}
		if _, err := s.writerOf(ctx, c.User, room); err != nil {
			return ForwardResult{}, err
		}
	}
	messages, err := forwards(c, in, originals, rooms)
	if err != nil {
		return ForwardResult{}, err
	}
	if err := s.hold(ctx, messages...); err != nil {
		return ForwardResult{}, notFound(err, define.ErrRecalled) // with its message, since that was read
	}
	items, err := s.postAll(ctx, messages)
	return ForwardResult{Items: items}, err
}

// forwarded is retried for a forward: it returns what one under its ClientID has stored, all of it, else the refusal.
func (s *Messages) forwarded(ctx context.Context, c Caller, in ForwardInput, rooms []string, refusal error) (ForwardResult, error) {
	var docs []models.Message
	for _, room := range rooms {
		if _, err := s.memberOf(ctx, c.User, room); errors.Is(err, define.ErrRoomNotFound) {
			return ForwardResult{}, err
		}
		for _, id := range clientIDs(in) {
			stored, err := s.store.Messages.ByClientID(ctx, room, c.User, id)
			if err != nil {
				return ForwardResult{}, notFound(err, refusal)
			}
			docs = append(docs, stored)
		}
	}
	items, err := s.views(ctx, docs, c.User)
	return ForwardResult{Items: items}, err
}

// clientIDs returns the ClientIDs of the messages that a forward stores in each room, in their order.
func clientIDs(in ForwardInput) []string {
	if in.Mode == define.ForwardMerged {
		return []string{in.ClientID}
	}
	ids := make([]string, len(in.Messages))
	for i := range ids {
		if in.ClientID != "" {
			ids[i] = in.ClientID + "/" + strconv.Itoa(i)
		}
	}
	return ids
}

// forwards makes the messages that a forward sends, room by room.
func forwards(c Caller, in ForwardInput, originals []models.Message, rooms []string) ([]*models.Message, error) {
	var messages []*models.Message
	ids := clientIDs(in)
	for _, room := range rooms {
		if in.Mode == define.ForwardMerged {
			merged, err := mergedForward(originals)
			if err != nil {
				return nil, err
			}
			messages = append(messages, &models.Message{
				RoomIdentity: room, Type: define.MessageMerged, Merged: merged, Files: mergedFiles(originals), UserIdentity: c.User, ClientID: ids[0],
			})
			continue
		}
		for i := range originals {
			repeated := repeatOf(&originals[i])
			repeated.RoomIdentity, repeated.UserIdentity, repeated.ClientID = room, c.User, ids[i]
			messages = append(messages, &repeated)
		}
	}
	return messages, nil
}

// originals returns the messages to forward in the order in which the caller names them.
func (s *Messages) originals(ctx context.Context, c Caller, identities []int64) ([]models.Message, error) {
	originals := make([]models.Message, len(identities))
	for i, identity := range identities {
		m, _, err := s.readable(ctx, c, identity)
		switch {
		case err != nil:
			return nil, err
		case m.RecalledAt > 0:
			return nil, define.ErrRecalled
		case m.Type == define.MessageSystem:
			return nil, define.ErrForbidden
		}
		originals[i] = m
	}
	return originals, nil
}

// repeatOf makes another message of one: what was said, and by whom first. A notice is forwarded as a text.
func repeatOf(m *models.Message) models.Message {
	from := m.ForwardedFrom
	if from == nil {
		from = &models.ForwardedFrom{Identity: m.Identity, UserIdentity: m.UserIdentity}
	}
	return models.Message{Type: forwardedType(m), Data: m.Data, Format: m.Format, File: m.File, Files: m.Files, Merged: m.Merged, ForwardedFrom: from}
}

func forwardedType(m *models.Message) string {
	if m.Type == define.MessageNotice {
		return define.MessageText
	}
	return m.Type
}

func mergedForward(originals []models.Message) ([]models.MergedMessage, error) {
	merged := make([]models.MergedMessage, len(originals))
	for i := range originals {
		m := &originals[i]
		merged[i] = models.MergedMessage{
			UserIdentity: m.UserIdentity, Type: forwardedType(m), Data: m.Data, File: m.File, Merged: m.Merged, CreatedAt: m.CreatedAt,
		}
	}
	if mergedBytes(merged) > define.MergedBytesMax {
		return nil, define.Invalid("messages", "are too long to be merged", "消息过长，无法合并转发")
	}
	return merged, nil
}

func mergedBytes(merged []models.MergedMessage) int {
	n := 0
	for i := range merged {
		n += 200 + len(merged[i].Data) + mergedBytes(merged[i].Merged)
		if file := merged[i].File; file != nil {
			n += 300 + len(file.Name)
		}
	}
	return n
}

// postAll stores messages of one caller in their order and returns them as he sees them.
func (s *Messages) postAll(ctx context.Context, messages []*models.Message) ([]Message, error) {
	type stored struct {
		view Message
		err  error
	}
	results := make([]stored, len(messages))
	told := make(chan struct{}, len(messages))
	for i, m := range messages {
		around, err := s.surround(ctx, []models.Message{*m})
		if err == nil {
			done := func(view Message, _ bool, err error) { results[i] = stored{view, err} }
			err = s.writer.put(ctx, &send{message: m, around: around, done: done, told: func() { told <- struct{}{} }})
		}
		if err != nil {
			results[i].err = err
			told <- struct{}{}
		}
	}
	for range messages {
		<-told
	}
	views := make([]Message, len(messages))
	for i := range results {
		if results[i].err != nil {
			return nil, results[i].err
		}
		views[i] = results[i].view
	}
	return views, nil
}
