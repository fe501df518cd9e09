package instant

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

// client is who is at the other end of /wsconnect. Its frames are served one after the other by one goroutine, since the
// clients match answers to what they sent by their order.
type client struct {
	server    *Server
	conn      *socket.Conn
	cookie    string
	room      string    // the open room, empty for none: what is sent goes there
	refreshed time.Time // when it last had others refreshed

	// turn is held while a frame is served: what the hub pushes meanwhile waits, and goes behind the answers.
	turn    sync.Mutex
	answers []hub.Frame
	shown   map[string]time.Time // by list, when what was sent last was put together
}

// openChat answers GET /wsconnect. Who is there is said by its first frame.
func (s *Server) openChat(c *gin.Context) error {
	conn, err := s.o.Sockets.Accept(c)
	if conn == nil {
		return err
	}
	k := &client{server: s, conn: conn, cookie: proofOf(c, "", "").cookie, shown: map[string]time.Time{}}
	conn.Serve(k.receive)
	return nil
}

// receive serves one frame. What is no frame of this protocol is passed over.
func (k *client) receive(kind int, frame []byte) {
	k.conn.Pace()
	var named struct {
		Function string `json:"function"`
	}
	if kind != websocket.TextMessage || decode(frame, &named) != nil {
		return
	}
	if serve, known := functions[named.Function]; known {
		k.serve(named.Function, serve, frame)
	}
}

// serve runs a function and sends what it has answered.
func (k *client) serve(name string, f function, frame []byte) {
	k.turn.Lock()
	defer k.turn.Unlock()
	var answers []any
	err := error(errStranger)
	if k.known() || forStrangers[name] {
		answers, err = f(k.server.o.Sockets.Context(), k, frame)
	}
	if err != nil {
		answers = append(answers, k.refusal(name, err)...)
	}
	if !k.known() {
		for _, f := range k.server.encode(answers...) {
			k.conn.Send(f)
		}
		return
	}
	if k.answers = append(k.answers, k.server.encode(answers...)...); len(k.answers) > 0 {
		k.conn.Send(k.server.inTurn(nil))
	}
}

func (k *client) caller() service.Caller { return k.conn.Caller() }

// known reports whether the client has said who it is.
func (k *client) known() bool { return k.caller().User != "" }

// inTurn makes a frame that waits for its turn: behind what the client is just being answered. fill says what it is for
// the one behind the connection; nil is nothing but the answers.
func (s *Server) inTurn(fill func(ctx context.Context, k *client, viewer service.Caller) ([]any, error)) socket.Deferred {
	return func(ctx context.Context, viewer service.Caller) ([]hub.Frame, error) {
		k := viewer.Conn.Value().(*client)
		k.turn.Lock()
		frames := k.answers
		k.answers = nil
		k.turn.Unlock()
		if fill == nil {
			return frames, nil
		}
		filled, err := fill(ctx, k, viewer)
		return append(frames, s.encode(filled...)...), err
	}
}

// encode makes the frames of values; one that is a frame already stays.
func (s *Server) encode(values ...any) []hub.Frame {
	frames := make([]hub.Frame, 0, len(values))
	for _, v := range values {
		if frame, ready := v.(hub.Frame); ready {
			frames = append(frames, frame)
		} else if frame, err := socket.Text(v); err != nil {
			s.o.Log.Error("an answer could not be encoded", "error", err)
		} else {
			frames = append(frames, frame)
		}
	}
	return frames
}

// join says to the hub whose connection it is. Who proves nobody, or another, is refused.
func (k *client) join(ctx context.Context, in nameInput) error {
	shown := proof{name: in.Username, token: in.Token, cookie: k.cookie}
	caller, expires, err := k.server.authenticate(ctx, shown, k.conn.IP)
	if errors.Is(err, define.ErrUnauthenticated) || errors.Is(err, define.ErrSessionEnded) {
		return errStranger
	}
	if err != nil {
		return err
	}
	k.conn.Join(ctx, socket.Login{
		Caller: caller, Expires: expires, Dialect: k.server.chat, Value: k,
		Check: func(ctx context.Context) error {
			_, _, err := k.server.authenticate(ctx, shown, k.conn.IP)
			return err
		},
	})
	return nil
}
