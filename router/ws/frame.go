package ws

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"sync"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/service"
	"parlor/service/hub"
)

// Native is the dialect of /ws: {"op", "data"}.
var Native hub.Dialect = native{}

type native struct{}

func (native) Encode(e hub.Event) (hub.Frame, error) {
	return encode(push{Op: e.Op, Data: shown(e.Data)})
}

// What the server sends.
type (
	push struct {
		Op   string `json:"op"`
		Data any    `json:"data"`
	}
	success struct {
		ID   string `json:"id"`
		Op   string `json:"op"` // define.OpOK
		Data any    `json:"data"`
	}
	failure struct {
		ID    string               `json:"id"`
		Op    string               `json:"op"` // define.OpError
		Error middleware.ErrorBody `json:"error"`
	}
)

// request is what a client sends.
type request struct {
	ID   string          `json:"id"`
	Op   string          `json:"op"`
	Data json.RawMessage `json:"data"`
}

// parse reads the frame of a client. What is wrong with it is in err; broken says that it is not even an object with
// an op, so that nobody can tell whom an answer would be for.
func parse(text []byte) (r request, broken bool, err error) {
	if !utf8.Valid(text) { // RFC 6455, 5.6
		return request{}, true, define.ErrMalformed
	}
	err = helper.DecodeJSON(text, &r)
	switch {
	case errors.Is(err, define.ErrMalformed):
		return request{}, true, err
	case r.Op != "":
		return r, false, err
	case err == nil:
		err = define.Invalid("op", "is required", "为必填字段")
	}
	return request{}, true, err
}

// frame is a message as it goes over the wire, header included. It may be in the queues of many connections, so it
// never changes.
type frame []byte

// Size returns the number of bytes.
func (f frame) Size() int { return len(f) }

// The first two bytes of a frame: RFC 6455, 5.2. A server does not mask what it sends.
const (
	finalBit  = 0x80
	length16  = 126 // the length is in the two bytes that follow
	length64  = 127 // the length is in the eight bytes that follow
	headerMax = 10
)

var pingFrame = []byte{finalBit | websocket.PingMessage, 0}

// encoder is a JSON encoder with its buffer; pooled, so that an event costs only the bytes that are kept.
type encoder struct {
	buffer bytes.Buffer
	json   *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.json = json.NewEncoder(&e.buffer)
	e.json.SetEscapeHTML(false)
	return e
}}

// keptBuffer is the largest buffer that goes back to the pool.
const keptBuffer = 64 << 10

// shown is the data of a frame as it is encoded. Nearly all frames carry a message.
func shown(data any) any {
	if m, ok := data.(service.Message); ok {
		return m.Shown()
	}
	return data
}

// encode makes the text frame of a value.
func encode(v any) (frame, error) {
	e := encoders.Get().(*encoder)
	defer func() {
		if e.buffer.Cap() <= keptBuffer {
			encoders.Put(e)
		}
	}()
	e.buffer.Reset()
	e.buffer.Write(make([]byte, headerMax)) // room for the header, which ends where the text begins
	if err := e.json.Encode(v); err != nil {
		return nil, err
	}
	text := bytes.TrimSuffix(e.buffer.Bytes(), []byte("\n"))
	return bytes.Clone(withHeader(websocket.TextMessage, text)), nil
}

// withHeader puts the header of a final frame into the headerMax bytes before the payload and returns the frame.
func withHeader(opcode byte, room []byte) []byte {
	n := len(room) - headerMax
	start := headerMax
	switch {
	case n < length16:
		start -= 2
		room[start+1] = byte(n)
	case n <= math.MaxUint16:
		start -= 4
		room[start+1] = length16
		binary.BigEndian.PutUint16(room[start+2:], uint16(n))
	default:
		start -= 10
		room[start+1] = length64
		binary.BigEndian.PutUint64(room[start+2:], uint64(n))
	}
	room[start] = finalBit | opcode
	return room[start:]
}

// control makes a control frame. What is over its limit is cut off.
func control(opcode byte, payload []byte) []byte {
	room := append(make([]byte, headerMax, headerMax+controlMax), payload[:min(len(payload), controlMax)]...)
	return withHeader(opcode, room)
}

func closeFrame(reason hub.CloseReason) []byte {
	return control(websocket.CloseMessage, websocket.FormatCloseMessage(reason.Code, reason.Text))
}
