package ws

import (
	"encoding/json"
	"errors"
	"unicode/utf8"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

// Native is the dialect of /ws: {"op", "data"}.
var Native hub.Dialect = native{}

type native struct{}

func (native) Encode(e hub.Event) (hub.Frame, error) {
	return socket.Text(push{Op: e.Op, Data: shown(e.Data)})
}

// shown is the data of a frame as it is encoded. Nearly all frames carry a message.
func shown(data any) any {
	if m, ok := data.(service.Message); ok {
		return m.Shown()
	}
	return data
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
