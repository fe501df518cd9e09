package cotalk

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"parlor/define"
	"parlor/service"
)

// readers says how far the members of a chat have read.
type readers struct {
	chat    int64
	members []service.Member
}

func (f *Face) readers(r *request, caller service.Caller, room service.Room) (readers, error) {
	roster, err := f.o.Rooms.Roster(r.ctx, caller, room.Identity)
	return readers{room.Number, roster}, err
}

// of returns the numbers of who has read a message. Its sender has.
func (r readers) of(seq int64) []int64 {
	numbers := []int64{}
	for _, member := range r.members {
		if member.ReadSeq >= seq {
			numbers = append(numbers, member.User.Number)
		}
	}
	return numbers
}

// since returns when those who have read a message, but its sender, last came further: 0 where nobody has read it.
func (r readers) since(m service.Message) int64 {
	at := int64(0)
	for _, member := range r.members {
		if member.ReadSeq >= m.Seq && member.User.Identity != m.Sender.Identity {
			at = max(at, member.ReadAt)
		}
	}
	return at
}

// messageViews puts messages of one chat into this face's shape.
func (f *Face) messageViews(r *request, messages []service.Message, readers readers) ([]messageView, error) {
	var people []string
	for _, m := range messages {
		if m.Type == define.MessageSystem {
			what := m.System()
			people = append(append(people, what.By), what.Users...)
		}
		if m.RecalledAt > 0 {
			people = append(people, m.RecalledBy)
		}
	}
	names, err := f.people(r.ctx, people...)
	if err != nil {
		return nil, err
	}
	views := make([]messageView, len(messages))
	for i, m := range messages {
		views[i] = messageViewOf(m, readers, names)
	}
	return views, nil
}

// people returns users by their identities, those who have cancelled their accounts as well.
func (f *Face) people(ctx context.Context, identities ...string) (map[string]service.User, error) {
	users := make(map[string]service.User, len(identities))
	for _, identity := range identities {
		user, err := f.o.Accounts.Get(ctx, identity)
		if err != nil && !errors.Is(err, define.ErrUserNotFound) {
			return nil, err
		}
		users[identity] = user
	}
	return users, nil
}

func messageViewOf(m service.Message, readers readers, names map[string]service.User) messageView {
	view := messageView{
		MsgID: m.Identity, SenderID: m.Sender.Number, ChatID: readers.chat, MsgText: textOf(m), MsgType: typeLetters[m.Type],
		CreateTime: seconds(m.CreatedAt), UpdateTime: seconds(max(m.UpdatedAt, readers.since(m))), ReadUsers: readers.of(m.Seq), ReplyTo: -1,
	}
	if m.ReplyTo != 0 {
		view.ReplyTo = m.ReplyTo
	}
	if m.File != nil {
		view.MsgFileURL = fileURL + strconv.FormatInt(m.Identity, 10)
	}
	switch {
	case m.RecalledAt > 0: // what is left of it says so; the original deletes it and says it at the end
		view.say(nameOf(names[m.RecalledBy]) + " withdrawn a message.")
		view.MsgID += withdrawnFrom
		view.CreateTime, view.UpdateTime = seconds(m.RecalledAt), seconds(m.RecalledAt)
	case m.Type == define.MessageSystem:
		view.say(sentence(m.System(), names))
	}
	return view
}

// say makes a message the server's own.
func (m *messageView) say(text string) {
	m.SenderID, m.MsgText, m.MsgType, m.IsSystem, m.ReplyTo = systemNumber, text, typeLetters[define.MessageSystem], true, -1
}

// textOf is what the page shows of a message: the name of a file where there is no caption, and of a merged forward, which
// it does not know, what was said, line by line.
func textOf(m service.Message) string {
	if m.Type != define.MessageMerged {
		return captionOf(m.Data, m.File)
	}
	var lines strings.Builder
	lines.WriteString(m.Data)
	writeMerged(&lines, m.Merged, "")
	return strings.TrimSpace(lines.String())
}

func captionOf(data string, file *service.File) string {
	if data == "" && file != nil {
		return file.Name
	}
	return data
}

func writeMerged(lines *strings.Builder, merged []service.MergedMessage, indent string) {
	for _, m := range merged {
		lines.WriteString("\n" + indent + nameOf(m.Sender) + ": " + captionOf(m.Data, m.File))
		writeMerged(lines, m.Merged, indent+"  ")
	}
}
