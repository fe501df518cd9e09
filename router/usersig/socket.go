package usersig

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

// open answers GET /ws/chat/{user_id}/{user_sig}/. The socket outlives the signature: it ends with the session.
func (f *Face) open(c *gin.Context) error {
	if err := f.o.Sockets.Ready(c); err != nil {
		return err
	}
	ctx, sig := middleware.ContextOf(c), c.Param("user_sig")
	caller, expires, err := f.o.Sessions.Authenticate(ctx, sig, c.ClientIP())
	if err != nil {
		return err
	}
	user, err := f.o.Accounts.Get(ctx, caller.User)
	if err != nil {
		return err
	}
	id, err := url.PathUnescape(c.Param("user_id"))
	if err != nil || helper.FoldAccount(id) != helper.FoldAccount(user.Account) {
		return define.ErrUnauthenticated
	}
	middleware.SetCaller(c, caller)
	conn, err := f.o.Sockets.Accept(c)
	if conn == nil {
		return err
	}
	check := func(ctx context.Context) error {
		_, _, err := f.o.Sessions.Authenticate(ctx, sig, caller.IP)
		return err
	}
	if conn.Join(ctx, socket.Login{Caller: caller, Expires: expires, Dialect: f.dialect, First: hub.Event{Op: define.EventReady}, Check: check}) {
		client := &client{face: f, conn: conn}
		conn.Serve(client.receive)
	}
	return nil
}

// frame is what a client sends.
type frame struct {
	session int64
	data    string
	format  string
}

// parse reads the frame of a client. broken says that it is no object at all, or not JSON.
func parse(kind int, text []byte) (f frame, broken bool, err error) {
	if kind != websocket.TextMessage || !utf8.Valid(text) || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return frame{}, true, define.ErrMalformed
	}
	var in struct {
		Session json.RawMessage `json:"to_session"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return frame{}, true, define.ErrMalformed.With(err)
	}
	session, err := strconv.ParseInt(strings.Trim(string(in.Session), `" `), 10, 64)
	if err != nil {
		return frame{}, false, define.Invalid("to_session", "must be a number", "须为整数")
	}
	data, format, err := parseContent(in.Content)
	if err != nil {
		return frame{}, false, err
	}
	return frame{session, data, format}, false, nil
}

// client is who is at the other end of a socket.
type client struct {
	face   *Face
	conn   *socket.Conn
	broken int // frames in a row
}

// receive says something in a session. The sender hears of it like everybody else.
func (s *client) receive(kind int, text []byte) {
	s.conn.Pace()
	in, broken, err := parse(kind, text)
	if !broken {
		s.broken = 0
	}
	if err == nil {
		err = s.say(in)
	}
	if err != nil {
		s.refuse(err)
	}
	if !broken {
		return
	}
	if s.broken++; s.broken == define.BrokenFramesMax {
		s.conn.Close(hub.CloseReason{Code: define.CloseProtocol, Text: "too many broken frames"})
	}
}

func (s *client) say(in frame) error {
	ctx, caller := s.face.o.Sockets.Context(), s.conn.Caller()
	room, err := s.face.o.Rooms.Find(ctx, caller, in.session)
	if err != nil {
		return err
	}
	caller.Conn = nil // else this socket would not hear of it
	_, _, err = s.face.o.Messages.Send(ctx, caller, room, service.MessageInput{Data: in.data, Format: in.format})
	return err
}

// refuse answers a frame that could not be served.
func (s *client) refuse(err error) {
	refusal, expected := middleware.Refusal(err)
	if !expected {
		s.face.o.Log.Error("a request over a socket failed", "error", err, "user", s.conn.Caller().User, "request_id", s.conn.RequestID)
	}
	code, message := say(refusal)
	if answer, err := socket.Text(failure{Type: "error", Code: code, Message: message}); err == nil {
		s.conn.Send(answer)
	}
}
