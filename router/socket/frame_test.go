package socket

import (
	"bytes"
	"strings"
	"testing"

	"parlor/service/hub"
)

// The headers are those of RFC 6455, 5.2 for final, unmasked text frames.
func TestText(t *testing.T) {
	t.Parallel()
	for payload, header := range map[int][]byte{
		2:      {0x81, 2},
		125:    {0x81, 125},
		126:    {0x81, 126, 0, 126},
		65_535: {0x81, 126, 0xff, 0xff},
		65_536: {0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0},
	} {
		text := strings.Repeat("x", payload-2)
		f, err := Text(text)
		if err != nil {
			t.Fatal(err)
		}
		if want := append(header, `"`+text+`"`...); !bytes.Equal(f, want) {
			t.Errorf("%d bytes: the frame is %d bytes long and begins with % x, want %d and % x", payload, len(f), f[:len(header)], len(want), header)
		}
		if raw := Raw([]byte(`"` + text + `"`)); !bytes.Equal(f, raw) {
			t.Errorf("%d bytes: Raw begins with % x", payload, raw[:len(header)])
		}
		if f.Size() != len(f) {
			t.Errorf("Size is %d of %d bytes", f.Size(), len(f))
		}
	}
}

// A pooled encoder must come out of a failure as good as new.
func TestTextFails(t *testing.T) {
	t.Parallel()
	for range 10 {
		if f, err := Text(make(chan int)); err == nil {
			t.Errorf("encoded as %v", f)
		}
		f, err := Text(map[string]string{"x": "<"})
		if err != nil || string(f) != "\x81\x09"+`{"x":"<"}` {
			t.Errorf("encoded as %q, %v", f, err)
		}
	}
}

func TestCloseFrames(t *testing.T) {
	t.Parallel()
	f := closeFrame(hub.CloseReason{Code: 4401, Text: "over"})
	if want := "\x88\x06\x11\x31over"; string(f) != want {
		t.Errorf("%q, want %q", f, want)
	}
	if f := closeFrame(hub.CloseReason{Code: 4401, Text: strings.Repeat("x", 500)}); len(f) != 2+controlMax || f[1] != controlMax {
		t.Errorf("a long reason makes a frame of %d bytes", len(f))
	}
}
