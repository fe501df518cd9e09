package service

import (
	"context"
	"encoding/json"

	"parlor/define"
	"parlor/models"
)

// systemMessage is the data of a message of type `system`, so that history tells what happened to the room.
type systemMessage struct {
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

// say stores a system message and tells the members of it.
func (c *core) say(ctx context.Context, room string, what systemMessage) error {
	_, err := c.record(ctx, room, what)
	return err
}

// record is say for who wants to know the number of the message.
func (c *core) record(ctx context.Context, room string, what systemMessage) (int64, error) {
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
