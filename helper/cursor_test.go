package helper

import (
	"encoding/base64"
	"testing"
)

type testCursor struct {
	At       int64  `json:"at"`
	Identity string `json:"id"`
}

func TestCursorRoundTrip(t *testing.T) {
	t.Parallel()
	want := testCursor{At: 1<<53 - 1, Identity: "群<聊>"}
	var got testCursor
	if err := DecodeCursor(EncodeCursor(want), &got); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestDecodeCursorRefusesWhatEncodeCursorDoesNotWrite(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"empty":            "",
		"not base64":       "%%%",
		"padded":           base64.URLEncoding.EncodeToString([]byte(`{"at":12,"id":""}`)),
		"line break":       EncodeCursor(testCursor{}) + "\n",
		"null":             EncodeCursor(nil),
		"another type":     EncodeCursor([]int{1}),
		"unknown field":    EncodeCursor(map[string]any{"at": 1, "id": "", "x": 1}),
		"missing field":    EncodeCursor(map[string]any{"at": 1}),
		"other case":       EncodeCursor(map[string]any{"AT": 1, "id": ""}),
		"fraction":         EncodeCursor(map[string]any{"at": 1.5, "id": ""}),
		"two values":       base64.RawURLEncoding.EncodeToString([]byte(`{"at":1,"id":""}{}`)),
		"spaces":           base64.RawURLEncoding.EncodeToString([]byte(`{"at":1, "id":""}`)),
		"field twice":      base64.RawURLEncoding.EncodeToString([]byte(`{"at":1,"at":2,"id":""}`)),
		"not UTF-8":        base64.RawURLEncoding.EncodeToString([]byte("{\"at\":1,\"id\":\"\xff\"}")),
		"number too large": base64.RawURLEncoding.EncodeToString([]byte(`{"at":9223372036854775808,"id":""}`)),
	}
	for name, cursor := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v testCursor
			if err := DecodeCursor(cursor, &v); err == nil {
				t.Errorf("%q was accepted as %+v", cursor, v)
			}
		})
	}
}

func FuzzDecodeCursor(f *testing.F) {
	f.Add(EncodeCursor(testCursor{At: 7, Identity: "x"}))
	f.Add(EncodeCursor(nil))
	f.Add("")
	f.Fuzz(func(t *testing.T, cursor string) {
		var v testCursor
		if err := DecodeCursor(cursor, &v); err == nil && EncodeCursor(v) != cursor {
			t.Errorf("%q was accepted as %+v, which is %q", cursor, v, EncodeCursor(v))
		}
	})
}
