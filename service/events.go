package service

import "encoding/json"

// The data of pushed events that are not simply one of the views above.
type (
	// RoomReadEvent says how far a member has read.
	RoomReadEvent struct {
		Room  string `json:"room"`
		User  string `json:"user"`
		Seq   int64  `json:"seq"`
		After int64  `json:"-"` // how far he had read before
	}
	// RoomUserEvent says that a member is typing.
	RoomUserEvent struct {
		Room string `json:"room"`
		User string `json:"user"`
	}
	// MessageDeletedEvent names a message that the user has deleted for himself.
	MessageDeletedEvent struct {
		Room    string `json:"room"`
		Message int64  `json:"message"`
	}
	// RoomMeEvent says how the user's own side of a room stands.
	RoomMeEvent struct {
		Room string `json:"room"`
		Me   RoomMe `json:"me"`
	}
	// FriendGroupEvent says that the user's group of friends From is called To now: a new one where From is empty, none any
	// more where To is define.GroupUngrouped.
	FriendGroupEvent struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	// BlockEvent says that the user has blocked somebody, or does so no more.
	BlockEvent struct {
		User    User `json:"user"`
		Blocked bool `json:"blocked"`
	}
	// NotificationsReadEvent names the notifications that the user has read, or says that he has read all.
	NotificationsReadEvent struct {
		Identities []int64 `json:"identities"`
		All        bool    `json:"all"`
	}
	// RoomEvent names a room that is no more.
	RoomEvent struct {
		Room string `json:"room"`
	}
	// MembersEvent says which members a change was about, and who made it.
	MembersEvent struct {
		Room    string   `json:"room"`
		Members []Member `json:"members"`
		By      string   `json:"by"`
	}
	// PresenceEvent says that a friend came or went.
	PresenceEvent struct {
		User   string `json:"user"`
		Online bool   `json:"online"`
	}
	// ReadyEvent is the first thing a socket hears.
	ReadyEvent struct {
		User       Me     `json:"user"`
		Session    string `json:"session"`
		ServerTime int64  `json:"server_time"`
	}
	// CallSignalEvent is what another participant of a call sends.
	CallSignalEvent struct {
		Call        string          `json:"call"`
		From        string          `json:"from"`
		Description json.RawMessage `json:"description,omitempty"`
		Candidate   json.RawMessage `json:"candidate,omitempty"`
	}
	// SessionEndedEvent says why a session is over (define.Ended…).
	SessionEndedEvent struct {
		Reason string `json:"reason"`
	}
)
