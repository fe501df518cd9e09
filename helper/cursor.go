package helper

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// errCursor is all that DecodeCursor says: a cursor is opaque, so is what is wrong with it.
var errCursor = errors.New("not a cursor of this list")

var cursorEncoding = base64.RawURLEncoding.Strict()

// EncodeCursor returns v as an opaque page cursor: base64url over JSON.
// It panics where v has no JSON, which no client can bring about.
func EncodeCursor(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode cursor: %v", err))
	}
	return cursorEncoding.EncodeToString(text)
}

// DecodeCursor sets v, a pointer to a zero value, to what EncodeCursor made s from.
// Anything but the exact output of EncodeCursor for such a value is an error. A cursor is not
// signed: what it holds is input from a client.
func DecodeCursor(s string, v any) error {
	text, err := cursorEncoding.DecodeString(s)
	if err != nil {
		return errCursor
	}
	if err := json.Unmarshal(text, v); err != nil {
		return errCursor
	}
	if EncodeCursor(v) != s {
		return errCursor
	}
	return nil
}
