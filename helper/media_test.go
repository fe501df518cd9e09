package helper

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"parlor/define"
)

// Recordings of a second and a half, made by ffmpeg.
var recordings = []struct {
	name string
	want Media
}{
	{"sound.wav", Media{Mime: "audio/wav", Duration: 1.5}},
	{"sound.opus.ogg", Media{Mime: "audio/ogg", Duration: 1.5}},
	{"sound.vorbis.ogg", Media{Mime: "audio/ogg", Duration: 1.5}},
	{"sound.m4a", Media{Mime: "audio/x-m4a", Duration: 1.5}},
	{"sound.mp4", Media{Mime: "audio/mp4", Duration: 1.5}},
	{"sound.webm", Media{Mime: "audio/webm", Duration: 1.5}},
	{"video.mp4", Media{Mime: "video/mp4", Duration: 1.5, Width: 64, Height: 48}},
	{"turned.mp4", Media{Mime: "video/mp4", Duration: 1.5, Width: 48, Height: 64}},
	{"video.webm", Media{Mime: "video/webm", Duration: 1.5, Width: 64, Height: 48}},
	{"video.mkv", Media{Mime: "video/matroska", Duration: 1.5, Width: 64, Height: 48}},
	{"video.mov", Media{Mime: "video/quicktime", Duration: 1.5, Width: 64, Height: 48}},
	{"fragments.mp4", Media{Mime: "video/mp4", Width: 64, Height: 48}}, // whose length does not stand in its header
}

func recording(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func mediaOf(content []byte) (Media, error) {
	mime, err := MediaType(bytes.NewReader(content))
	if err != nil {
		return Media{}, err
	}
	m, err := ReadMedia(bytes.NewReader(content), int64(len(content)), mime)
	m.sound, m.video = false, false
	return m, err
}

func TestReadMedia(t *testing.T) {
	t.Parallel()
	for _, test := range recordings {
		got, err := mediaOf(recording(t, test.name))
		if diff := got.Duration - test.want.Duration; err == nil && diff > -0.2 && diff < 0.2 && test.want.Duration > 0 {
			got.Duration = test.want.Duration // codecs fill their last frame
		}
		if err != nil || got != test.want {
			t.Errorf("%s: %+v, %v, want %+v", test.name, got, err, test.want)
		}
	}
}

// What is cut off says less, and nothing wrong.
func TestReadMediaCutOff(t *testing.T) {
	t.Parallel()
	for _, test := range recordings {
		content := recording(t, test.name)
		for n := len(content) - 1; n > 0; n -= 1 + n/97 {
			got, err := mediaOf(content[:n])
			if err != nil || got.Duration < 0 || got.Duration > 2 || got.Width != 0 && got.Width != test.want.Width {
				t.Fatalf("%s, %d bytes: %+v, %v", test.name, n, got, err)
			}
		}
	}
}

// A database that goes away is told from a file that says nothing.
func TestReadMediaTellsWhoFailed(t *testing.T) {
	t.Parallel()
	content := recording(t, "video.mp4")
	r := &failing{bytes.NewReader(content), 40, define.ErrUnavailable}
	if _, err := ReadMedia(r, int64(len(content)), "video/mp4"); !errors.Is(err, define.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func FuzzReadMedia(f *testing.F) {
	mimes := []string{"audio/wav", "audio/ogg", "video/mp4", "video/webm"}
	for _, r := range recordings {
		content := recording(f, r.name)
		for kind := range mimes {
			f.Add(byte(kind), content[:min(len(content), 2000)])
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, content []byte) {
		r := &countingReader{Reader: bytes.NewReader(content)}
		m, err := ReadMedia(r, int64(len(content)), mimes[int(kind)%len(mimes)])
		if err != nil || m.Duration < 0 || m.Width < 0 || m.Height < 0 || !(m.Duration < durationMax) {
			t.Fatalf("%+v, %v", m, err)
		}
		if r.looks > probesMax {
			t.Fatalf("looked %d times", r.looks)
		}
	})
}

type countingReader struct {
	*bytes.Reader
	looks int
}

func (c *countingReader) Seek(offset int64, whence int) (int64, error) {
	c.looks++
	return c.Reader.Seek(offset, whence)
}
