package usersig

import (
	"context"

	"parlor/define"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

// vocabulary is what the frames of a protocol are called, and whether what is said of a message stands beside the type or
// in a chat_log.
type vocabulary struct {
	ready, received, sent, ended string
	flat                         bool
}

var (
	// running is what the published system sends. It says nothing when a socket is ready.
	running = vocabulary{received: "onMessageReceived", sent: "onMessageSendSuccess", ended: "kickedOut"}
	// document is what its document promises.
	document = vocabulary{ready: "SDK_READY", received: "MESSAGE_RECEIVED", sent: "MESSAGE_SEND_SUCCESS", ended: "KICKED_OUT", flat: true}
)

// What the server sends.
type (
	signal struct {
		Type string `json:"type"`
	}
	failure struct {
		Type    string `json:"type"`
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	said struct {
		Type string `json:"type"`
		Log  struct {
			log
			Session session `json:"session"`
		} `json:"chat_log"`
	}
	flatSaid struct {
		Type    string  `json:"type"`
		Content any     `json:"content"`
		Session session `json:"session"`
		Sender  string  `json:"sender"`
	}
)

// dialect has words for what was said, and for the beginning and end of a session.
type dialect struct {
	words vocabulary
	face  *Face
}

// Encode implements hub.Dialect. Of a room that somebody has locked for himself he is told nothing here.
func (d *dialect) Encode(e hub.Event) (hub.Frame, error) {
	switch data := e.Data.(type) {
	case service.Message:
		if e.Op == define.EventMessageNew {
			return d.said(data), nil
		}
	case service.SessionEndedEvent:
		return socket.Text(signal{d.words.ended})
	default:
		if e.Op == define.EventReady && d.words.ready != "" {
			return socket.Text(signal{d.words.ready})
		}
	}
	return nil, nil
}

// said is filled in for each viewer, who sees the session with the other side of it and with what he has not read.
func (d *dialect) said(m service.Message) socket.Deferred {
	at := d.face.o.Rooms.At(m)
	return func(ctx context.Context, viewer service.Caller) ([]hub.Frame, error) {
		views, err := d.face.viewsFor(ctx, viewer)
		if err != nil {
			return nil, err
		}
		room, unread, err := at.Seen(ctx, viewer)
		if err != nil {
			return nil, err
		}
		log := views.newLog(&m)
		session := views.session(&room, unread, &log)
		kind := d.words.received
		if m.Sender.Identity == viewer.User && m.Type != define.MessageSystem {
			kind = d.words.sent
		}
		frame, err := d.frame(kind, log, session)
		if err != nil {
			return nil, err
		}
		return []hub.Frame{frame}, nil
	}
}

func (d *dialect) frame(kind string, l log, s session) (socket.Frame, error) {
	if d.words.flat {
		return socket.Text(flatSaid{Type: kind, Content: l.Content, Session: s, Sender: l.Sender})
	}
	frame := said{Type: kind}
	frame.Log.log, frame.Log.Session = l, s
	return socket.Text(frame)
}
