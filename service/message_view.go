package service

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"parlor/models"
	"parlor/service/hub"
)

// surroundings are what a view of messages needs beside the messages: the people in them, and what they reply to.
type surroundings struct {
	users  map[string]User
	quoted map[int64]*models.Message
	rooms  map[string]*roomState // of what is quoted
}

// surround loads the surroundings of messages with one query for what they reply to, and the cache of users.
func (c *core) surround(ctx context.Context, docs []models.Message) (surroundings, error) {
	var around surroundings
	var originals []int64
	var people []string
	for i := range docs {
		people = appendPeople(people, &docs[i])
		if docs[i].ReplyTo != 0 {
			originals = append(originals, docs[i].ReplyTo)
		}
	}
	if len(originals) > 0 {
		slices.Sort(originals)
		quoted, err := c.store.Messages.GetMany(ctx, slices.Compact(originals))
		if err != nil {
			return around, err
		}
		around.quoted = make(map[int64]*models.Message, len(quoted))
		around.rooms = map[string]*roomState{}
		for i := range quoted {
			around.quoted[quoted[i].Identity] = &quoted[i]
			people = append(people, quoted[i].UserIdentity)
			room := quoted[i].RoomIdentity
			if around.rooms[room], err = c.rooms.get(ctx, room); err != nil {
				return around, err
			}
		}
	}
	slices.Sort(people)
	people = slices.Compact(people)
	if len(people) == 1 { // as in most sends: one more whom the cache then knows
		user, err := c.users.get(ctx, people[0])
		around.users = map[string]User{people[0]: user}
		return around, err
	}
	var err error
	around.users, err = c.usersByID(ctx, people)
	return around, err
}

func appendPeople(people []string, m *models.Message) []string {
	people = append(people, m.UserIdentity)
	if m.ForwardedFrom != nil {
		people = append(people, m.ForwardedFrom.UserIdentity)
	}
	return appendAuthors(people, m.Merged)
}

func appendAuthors(people []string, merged []models.MergedMessage) []string {
	for i := range merged {
		people = appendAuthors(append(people, merged[i].UserIdentity), merged[i].Merged)
	}
	return people
}

// quote returns what a message answers where its reader sees that, else nil.
func (s surroundings) quote(m *models.Message, reader string) *models.Message {
	original := s.quoted[m.ReplyTo]
	if original == nil || reader != "" && !s.rooms[original.RoomIdentity].sees(reader, original) {
		return nil
	}
	return original
}

// view shows a message to a reader. An empty reader is anybody who may read it and what it answers: ClientID is the
// sender's own business.
func (s surroundings) view(m *models.Message, reader string) Message {
	view := Message{
		Identity: m.Identity, RoomIdentity: m.RoomIdentity, Seq: m.Seq, Sender: s.users[m.UserIdentity], Type: m.Type, Data: m.Data, Format: m.Format,
		File: viewOfCopy(m.File), ReplyTo: m.ReplyTo, Merged: s.merged(m.Merged), Mentions: m.Mentions, EditedAt: m.EditedAt, RecalledAt: m.RecalledAt,
		RecalledBy: m.RecalledBy, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
	}
	if m.UserIdentity == reader {
		view.ClientID = m.ClientID
	}
	if from := m.ForwardedFrom; from != nil {
		view.ForwardedFrom = &ForwardedFrom{Identity: from.Identity, Sender: s.users[from.UserIdentity]}
	}
	if original := s.quote(m, reader); original != nil {
		view.Reply = &Quote{
			Identity: original.Identity, Seq: original.Seq, Sender: s.users[original.UserIdentity], Type: original.Type,
			Data: original.Preview(), File: viewOfCopy(original.File), RecalledAt: original.RecalledAt,
		}
	}
	for _, r := range m.Reactions {
		view.Reactions = append(view.Reactions, Reaction(r))
	}
	return view
}

func (s surroundings) merged(copies []models.MergedMessage) []MergedMessage {
	var views []MergedMessage
	for i := range copies {
		m := &copies[i]
		views = append(views, MergedMessage{
			Sender: s.users[m.UserIdentity], Type: m.Type, Data: m.Data, File: viewOfCopy(m.File), Merged: s.merged(m.Merged), CreatedAt: m.CreatedAt,
		})
	}
	return views
}

// views shows messages to a reader, in their order.
func (c *core) views(ctx context.Context, docs []models.Message, reader string) ([]Message, error) {
	around, err := c.surround(ctx, docs)
	if err != nil {
		return nil, err
	}
	views := make([]Message, len(docs))
	for i := range docs {
		views[i] = around.view(&docs[i], reader)
	}
	return views, nil
}

// viewOf shows one message to a reader.
func (c *core) viewOf(ctx context.Context, m *models.Message, reader string) (Message, error) {
	around, err := c.surround(ctx, []models.Message{*m})
	return around.view(m, reader), err
}

// publishMessage tells the members of a room about a message; except has its answer already and may be nil. The sender
// alone sees his ClientID, and who has locked the room learns only that something came. Whoever does not see the
// message hears nothing of it unless it was recalled, and whoever does not see what it answers hears it without the quote.
func (c *core) publishMessage(state *roomState, op string, m *models.Message, around surroundings, except *hub.Conn) {
	sender, users := m.UserIdentity, state.ids
	if m.RecalledAt == 0 { // what is left has no words, and its announcement goes with it, which all see
		users = state.seeing(m)
	}
	deliveries := [4]hub.Delivery{{Event: hub.Event{Op: op, Data: around.view(m, "")}, Users: users, Skip: sender, Except: except}}
	n := 1
	if original := around.quoted[m.ReplyTo]; original != nil && !state.allSee(original) {
		unquoted := around
		unquoted.quoted = nil
		deliveries[n] = hub.Delivery{Event: hub.Event{Op: op, Data: unquoted.view(m, "")}, Skip: sender, Except: except}
		deliveries[0].Users, deliveries[n].Users = state.partition(users, original)
		n++
	}
	if slices.Contains(users, sender) { // unless he has just left, of which the system message tells
		deliveries[n] = hub.Delivery{Event: hub.Event{Op: op, Data: around.view(m, sender)}, Users: []string{sender}, Except: except}
		n++
	}
	if state.anyLocked {
		for i := range n {
			deliveries[i].Only = state.mayHear
		}
		hint := LockedMessage{Identity: m.Identity, RoomIdentity: m.RoomIdentity, Seq: m.Seq, Locked: true, CreatedAt: m.CreatedAt}
		deliveries[n] = hub.Delivery{
			Event: hub.Event{Op: op, Data: hint}, Users: users, Except: except, Only: func(conn *hub.Conn) bool { return !state.mayHear(conn) },
		}
		n++
	}
	c.hub.Publish(deliveries[:n]...)
}

// announceMessage is publishMessage for a message that is stored already and was changed.
func (c *core) announceMessage(ctx context.Context, op string, m *models.Message, except *hub.Conn) error {
	state, err := c.rooms.get(ctx, m.RoomIdentity)
	if err != nil {
		return err
	}
	around, err := c.surround(ctx, []models.Message{*m})
	if err != nil {
		return err
	}
	c.publishMessage(state, op, m, around, except)
	return nil
}

// Shown returns what is shown of a message: of a recalled one its place and who recalled it, and nothing else (api.md,
// Messages). What it returns has no MarshalJSON, whose output an encoder would look through once more.
func (m Message) Shown() any {
	if m.RecalledAt > 0 {
		return RecalledMessage{
			Identity: m.Identity, RoomIdentity: m.RoomIdentity, Seq: m.Seq, Sender: m.Sender, RecalledAt: m.RecalledAt, RecalledBy: m.RecalledBy,
		}
	}
	type plain Message
	return plain(m)
}

// MarshalJSON writes what is Shown.
func (m Message) MarshalJSON() ([]byte, error) { return marshal(m.Shown()) }

// marshal is json.Marshal without the escapes that are meant for pages: whoever writes the answer decides on those.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return out.Bytes(), err
}
