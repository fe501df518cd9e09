package instant

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
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
	receipts  receipts

	mu    sync.Mutex
	shown map[string]time.Time // by list, when the one that was sent last was put together
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
	known := k.known()
	if !known && !forStrangers[name] {
		k.send(k.refusal(name, errStranger))
		return
	}
	a := &answer{done: make(chan struct{})}
	if known {
		k.conn.Send(a.inTurn())
	}
	var frames []any
	defer func() { // after a panic, too
		if !known || a.finish(k.server.encode(frames...)) {
			k.send(frames)
		}
	}()
	answered, err := f(k.server.o.Sockets.Context(), k, frame)
	if frames = answered; err != nil {
		frames = append(frames, k.refusal(name, err)...)
	}
}

func (k *client) send(frames []any) {
	for _, f := range k.server.encode(frames...) {
		k.conn.Send(f)
	}
}

func (k *client) caller() service.Caller { return k.conn.Caller() }

// known reports whether the client has said who it is.
func (k *client) known() bool { return k.caller().User != "" }

// answer is what a function answers. It takes its place among what the client is sent when the function begins: whatever
// follows from the function is pushed behind it.
type answer struct {
	frames  []hub.Frame
	done    chan struct{} // closed when frames are there
	settled atomic.Bool   // it is known who sends them: the frame in the queue, or, where that has waited for too long, the function
}

// inTurn returns the frame that holds the place of the answer.
func (a *answer) inTurn() socket.Deferred {
	return func(ctx context.Context, _ service.Caller) ([]hub.Frame, error) {
		select {
		case <-a.done:
		case <-ctx.Done():
			if a.settled.CompareAndSwap(false, true) {
				return nil, nil
			}
			<-a.done
		}
		return a.frames, nil
	}
}

// finish hands the answer over. It reports whether the place in the queue is gone and the caller must send it himself.
func (a *answer) finish(frames []hub.Frame) (late bool) {
	a.frames = frames
	if !a.settled.CompareAndSwap(false, true) {
		return true
	}
	close(a.done)
	return false
}

// due reports whether a list was put together last before a moment, and notes that it is being put together now.
func (k *client) due(list string, made time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.shown[list].After(made) {
		return false
	}
	k.shown[list] = time.Now()
	return true
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
