package service

import (
	"context"
	"encoding/json"
	"slices"

	"parlor/define"
	"parlor/models"
)

// SystemMessage is the data of a message of type `system`, so that history tells what happened to the room.
type SystemMessage struct {
	Event string   `json:"event"` // define.Event… or define.System…
	By    string   `json:"by"`
	Users []string `json:"users"`
	Role  string   `json:"role,omitempty"` // the new one; with define.SystemRole alone
	// Of a call that is over.
	Call     string `json:"call,omitempty"`
	Media    string `json:"media,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Duration *int64 `json:"duration,omitempty"` // seconds since it was answered
}

// System returns what a message of the system tells; nothing, with no event, for all others.
func (m *Message) System() SystemMessage {
	var what SystemMessage
	if m.Type != define.MessageSystem || json.Unmarshal([]byte(m.Data), &what) != nil {
		return SystemMessage{}
	}
	return what
}

// Himself reports whether it is about nobody but who did it.
func (m *SystemMessage) Himself() bool { return slices.Equal(m.Users, []string{m.By}) }

// Seconds returns how long a call took; 0 where nobody answered it.
func (m *SystemMessage) Seconds() int64 {
	if m.Duration == nil {
		return 0
	}
	return *m.Duration
}

// say stores a system message and tells the members of it.
func (c *core) say(ctx context.Context, room string, what SystemMessage) error {
	_, err := c.record(ctx, room, what)
	return err
}

// record is say for who wants to know the number of the message.
func (c *core) record(ctx context.Context, room string, what SystemMessage) (int64, error) {
	data, err := json.Marshal(what)
	if err != nil {
		return 0, err
	}
	m, err := c.post(ctx, &models.Message{RoomIdentity: room, UserIdentity: what.By, Type: define.MessageSystem, Data: string(data)})
	if err != nil {
		return 0, err
	}
	return m.Identity, nil
}

// post stores a message that nobody has to be asked for, tells the members of it, and returns it as stored.
func (c *core) post(ctx context.Context, message *models.Message) (*models.Message, error) {
	around, err := c.surround(ctx, []models.Message{*message})
	if err != nil {
		return nil, err
	}
	told := make(chan struct{})
	var refused error
	done := func(_ Message, _ bool, err error) { refused = err }
	if err := c.writer.put(ctx, &send{message: message, around: around, done: done, told: func() { close(told) }}); err != nil {
		return nil, err
	}
	<-told
	return message, refused
}
