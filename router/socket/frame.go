package socket

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"sync"

	"github.com/gorilla/websocket"

	"parlor/service"
	"parlor/service/hub"
)

// Frame is a message as it goes over the wire, header included; several after each other are a Frame as well. It may be
// in the queues of many connections, so it never changes.
type Frame []byte

// Size returns the number of bytes.
func (f Frame) Size() int { return len(f) }

// Deferred is a frame that is not the same for everybody who must have it. It is made once an event; each connection fills
// it in for the user behind it when its turn to be written comes, in the connection's own writer, so that nobody else
// waits. What it returns is written in its place; where it is refused, or nobody has joined the connection, nothing is.
type Deferred func(ctx context.Context, viewer service.Caller) ([]hub.Frame, error)

// Size is about what one costs that waits.
func (Deferred) Size() int { return 64 }

// The first two bytes of a frame: RFC 6455, 5.2. A server does not mask what it sends.
const (
	finalBit  = 0x80
	length16  = 126 // the length is in the two bytes that follow
	length64  = 127 // the length is in the eight bytes that follow
	headerMax = 10

	controlMax = 125 // bytes of a control frame's payload: RFC 6455, 5.5
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

// Raw makes the text frame of a text, which must be UTF-8 (RFC 6455, 5.6).
func Raw(text []byte) Frame {
	return withHeader(websocket.TextMessage, append(make([]byte, headerMax, headerMax+len(text)), text...))
}

// Text makes the text frame of a value in JSON.
func Text(v any) (Frame, error) {
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
