package classic

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/router/plaintext"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

// frame is a message on its way, in both directions.
type frame struct {
	Message      string `json:"message"`
	RoomIdentity string `json:"room_identity"`
}

// parse reads the frame of a client.
func parse(kind int, text []byte) (f frame, err error) {
	if kind != websocket.TextMessage || !utf8.Valid(text) || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return frame{}, define.ErrMalformed
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return frame{}, helper.DecodeError(err)
	}
	return f, nil
}

// dialect knows one event: something was said.
type dialect struct{}

var speech hub.Dialect = dialect{}

// Encode implements hub.Dialect. Of a room that somebody has locked for himself he is told nothing here.
func (dialect) Encode(e hub.Event) (hub.Frame, error) {
	m, said := e.Data.(service.Message)
	if e.Op != define.EventMessageNew || !said {
		return nil, nil
	}
	return socket.Text(frame{Message: plaintext.Message(m, nil), RoomIdentity: m.RoomIdentity})
}

// open answers GET /websocket/message: the token comes in the Authorization header, or as ?token= from browsers.
func (f *Face) open(c *gin.Context) error {
	if err := f.o.Sockets.Ready(c); err != nil {
		return err
	}
	ctx, token := middleware.ContextOf(c), cmp.Or(tokenOf(c.Request), c.Query("token"))
	caller, expires, err := f.o.Sessions.Authenticate(ctx, token, c.ClientIP())
	if err != nil {
		return err
	}
	middleware.SetCaller(c, caller)
	conn, err := f.o.Sockets.Accept(c)
	if conn == nil {
		return err
	}
	check := func(ctx context.Context) error {
		_, _, err := f.o.Sessions.Authenticate(ctx, token, caller.IP)
		return err
	}
	if conn.Join(ctx, socket.Login{Caller: caller, Expires: expires, Dialect: speech, First: hub.Event{Op: define.EventReady}, Check: check}) {
		client := &client{face: f, conn: conn}
		conn.Serve(client.receive)
	}
	return nil
}

// client is who is at the other end of a socket.
type client struct {
	face   *Face
	conn   *socket.Conn
	broken int // frames in a row
}

// receive says something in a room. The sender hears it like everybody else.
func (s *client) receive(kind int, text []byte) {
	s.conn.Pace()
	in, err := parse(kind, text)
	if errors.Is(err, define.ErrMalformed) {
		s.broken++
	} else {
		s.broken = 0
	}
	if err != nil {
		s.refuse(err)
		if s.broken == define.BrokenFramesMax {
			s.conn.Close(hub.CloseReason{Code: define.CloseProtocol, Text: "too many broken frames"})
		}
		return
	}
	caller := s.conn.Caller()
	caller.Conn = nil // else this socket would not hear of it
	if _, _, err := s.face.o.Messages.Send(s.face.o.Sockets.Context(), caller, in.RoomIdentity, service.MessageInput{Data: in.Message}); err != nil {
		s.refuse(err)
	}
}

// refuse answers a frame in the way of HTTP, since the original has no word for it.
func (s *client) refuse(err error) {
	refusal, expected := middleware.Refusal(err)
	if !expected {
		s.face.o.Log.Error("a request over a socket failed", "error", err, "user", s.conn.Caller().User, "request_id", s.conn.RequestID)
	}
	if answer, err := socket.Text(failure{Status: "error", Message: say(refusal)}); err == nil {
		s.conn.Send(answer)
	}
}
