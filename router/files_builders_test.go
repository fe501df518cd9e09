package router_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"testing"
)

// formOf is the body of an upload, and its Content-Type.
func formOf(t *testing.T, field, name string, content []byte) (*bytes.Buffer, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(field, name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return &body, form.FormDataContentType()
}

// sendForm uploads by any call that takes a file.
func (u *user) sendForm(method, path, name string, content []byte) *answer {
	body, contentType := formOf(u.t, "file", name, content)
	return u.ask(method, path, u.token, body.String(), "Content-Type", contentType)
}

// upload keeps a file of the user's.
func (u *user) upload(name string, content []byte) file {
	u.t.Helper()
	return into[file](u.sendForm("POST", "/files", name, content).ok(201))
}

// download asks for the bytes of a file, or of its small picture; pairs of headers may follow.
func (u *user) download(path string, headers ...string) *answer {
	return u.ask("GET", "/files/"+path, u.token, nil, headers...)
}

// bytes fails the test unless a download had this status and these bytes.
func (a *answer) bytes(status int, want []byte) *answer {
	a.t.Helper()
	if a.err != nil {
		a.t.Fatalf("%s: %v", a.call, a.err)
	}
	if a.status != status || !bytes.Equal(a.body, want) {
		a.t.Fatalf("%s: status %d with %d bytes, want %d with %d", a.call, a.status, len(a.body), status, len(want))
	}
	return a
}

// picture is an image of four colours: red, green above blue, white.
func picture(width, height int) *image.RGBA {
	drawn := image.NewRGBA(image.Rect(0, 0, width, height))
	corners := [2][2]color.RGBA{{{R: 255, A: 255}, {G: 255, A: 255}}, {{B: 255, A: 255}, {R: 255, G: 255, B: 255, A: 255}}}
	for y := range height {
		for x := range width {
			drawn.SetRGBA(x, y, corners[2*y/height][2*x/width])
		}
	}
	return drawn
}

func pngBytes(drawn image.Image) []byte {
	var out bytes.Buffer
	if err := png.Encode(&out, drawn); err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}

func jpegBytes(drawn image.Image) []byte {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, drawn, &jpeg.Options{Quality: 95}); err != nil {
		panic(err) // likewise
	}
	return out.Bytes()
}

// sendFile says something with a file.
func (u *user) sendFile(room string, of file, caption string) message {
	u.t.Helper()
	return into[message](u.post("/rooms/"+room+"/messages", fields{"file": of.Identity, "data": caption}).ok(201))
}

// stream opens a request whose body is read as it comes, and returns the answer with an open body.
func (u *user) stream(method, path, contentType string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, u.url+"/api/v1"+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+u.token)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return u.client.Do(request)
}

// sizeOf returns the width and height of an image.
func sizeOf(t *testing.T, content []byte) (width, height int) {
	t.Helper()
	config, _, err := image.DecodeConfig(bytes.NewReader(content))
	must(t, err)
	return config.Width, config.Height
}

// wavOf is silence: so many samples of one byte, at so many a second.
func wavOf(rate uint32, samples int) []byte {
	le := binary.LittleEndian
	format := le.AppendUint16(le.AppendUint16(nil, 1), 1) // PCM, mono
	format = le.AppendUint32(le.AppendUint32(format, rate), rate)
	format = le.AppendUint16(le.AppendUint16(format, 1), 8)
	out := le.AppendUint32([]byte("RIFF"), uint32(4+8+len(format)+8+samples))
	out = append(out, "WAVEfmt "...)
	out = append(le.AppendUint32(out, uint32(len(format))), format...)
	out = le.AppendUint32(append(out, "data"...), uint32(samples))
	return append(out, make([]byte, samples)...)
}
