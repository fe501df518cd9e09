package cotalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"parlor/define"
	"parlor/service"
)

// chatTypes are the types of messages as the seed names them in requests. `text` is what all others are not.
var chatTypes = map[string]string{
	"text": define.MessageText, "image": define.MessageImage, "audio": define.MessageAudio, "video": define.MessageVideo,
	"group_notice": define.MessageNotice, "others": define.MessageFile,
}

// filter is which messages of a chat are wanted. Those that are nil or empty leave everything.
type filter struct {
	text          *string
	user          *int64
	before, after *float64 // neither is included
	kind          string
}

func (f fields) filter() (w filter, err error) {
	if w.text, err = f.optionalText("filter_text", ""); err != nil {
		return w, err
	}
	if f.has("filter_user") {
		user, err := f.integer("filter_user")
		if err != nil {
			return w, err
		}
		w.user = &user
	}
	for name, into := range map[string]**float64{"filter_before": &w.before, "filter_after": &w.after} {
		if f.has(name) {
			x, err := f.number(name, 0)
			if err != nil {
				return w, err
			}
			*into = &x
		}
	}
	kind, err := f.optionalText("filter_type", "")
	w.kind = valueOf(kind)
	if _, known := chatTypes[w.kind]; err == nil && !known && kind != nil {
		err = badRequest("Invalid filter_type : " + w.kind)
	}
	return w, err
}

// lets reports whether a message is wanted.
func (w filter) lets(m messageView) bool {
	switch {
	case w.text != nil && !strings.Contains(strings.ToLower(m.MsgText), strings.ToLower(*w.text)):
		return false
	case w.user != nil && m.SenderID != *w.user:
		return false
	case w.before != nil && m.CreateTime >= *w.before, w.after != nil && m.CreateTime <= *w.after:
		return false
	}
	return w.kind == "" || m.MsgType == typeLetters[chatTypes[w.kind]]
}

// info is the original's: it repeats the filters.
func (w filter) info() string {
	info := done.Info
	if w.text != nil {
		info += ", filter_text: " + *w.text
	}
	if w.user != nil {
		info += ", filter_user: " + strconv.FormatInt(*w.user, 10)
	}
	if w.before != nil {
		info += ", filter_before: " + float(*w.before)
	}
	if w.after != nil {
		info += ", filter_after: " + float(*w.after)
	}
	if w.kind != "" {
		info += ", filter_type: " + w.kind
	}
	return info
}

// float writes a number as Python does, as far as times go.
func float(x float64) string {
	text := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// listMessages lists all that a member may see of a chat, the oldest first: the seed knows no pages. It is written page by
// page, so that a long history is nowhere kept as a whole.
func (f *Face) listMessages(r *request) (any, error) {
	chat, in, err := r.about("chat", errMessagesChat)
	if err != nil {
		return nil, err
	}
	number, err := in.integer("user_id")
	if err != nil {
		return nil, err
	}
	wanted, err := in.filter()
	if err != nil {
		return nil, err
	}
	caller, _, err := f.self(r, number)
	if err != nil {
		return nil, err
	}
	room, err := f.o.Rooms.ByNumber(r.ctx, caller, chat)
	if err != nil {
		return nil, f.notMember(r, number, chat, err)
	}
	return nil, f.writeMessages(r, caller, room, wanted)
}

// notMember words why somebody has no room of a number, as the seed does for messages.
func (f *Face) notMember(r *request, user, chat int64, err error) error {
	if err = f.outsider(r, chat, err); errors.Is(err, errOutsider) {
		return unauthorized(fmt.Sprintf("Unauthorized : user %d not in chat %d", user, chat))
	}
	return err
}

func (f *Face) writeMessages(r *request, caller service.Caller, room service.Room, wanted filter) error {
	readers, err := f.readers(r, caller, room)
	if err != nil {
		return err
	}
	oldest := int64(0)
	query := service.HistoryQuery{AfterSeq: &oldest, Page: service.Page{Limit: define.PageMax}}
	if wanted.kind != "" && wanted.kind != "text" { // texts are of several types, and some of them are made here
		query.Type = []string{chatTypes[wanted.kind]}
	}
	out := &listWriter{w: r.Writer}
	for {
		page, err := f.o.Messages.History(r.ctx, caller, room.Identity, query)
		if err != nil {
			return err
		}
		views, err := f.messageViews(r, page.Items, readers)
		if err != nil {
			return err
		}
		out.begin(wanted.info())
		for _, view := range views {
			if wanted.lets(view) {
				out.add(view)
			}
		}
		if query.Cursor = page.Next; query.Cursor == "" || out.err != nil {
			out.put("]}")
			return nil
		}
	}
}

// listWriter writes a list of messages one by one. An error is that of a client who has gone away: nobody is to be told.
type listWriter struct {
	w     http.ResponseWriter
	begun bool
	comma string
	err   error
}

func (l *listWriter) begin(info string) {
	if l.begun {
		return
	}
	l.begun = true
	l.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	l.put(`{"code":0,"info":`)
	l.encode(info)
	l.put(`,"messages":[`)
}

func (l *listWriter) add(m messageView) {
	l.put(l.comma)
	l.encode(m)
	l.comma = ","
}

func (l *listWriter) put(text string) {
	if l.err == nil {
		_, l.err = io.WriteString(l.w, text)
	}
}

func (l *listWriter) encode(v any) {
	if l.err == nil {
		encoder := json.NewEncoder(l.w)
		encoder.SetEscapeHTML(false)
		l.err = encoder.Encode(v)
	}
}
