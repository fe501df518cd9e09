package router_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// faceAnswer is what a call to a face got.
type faceAnswer struct {
	status int
	header http.Header
	body   string
}

// formFile is a form with a file.
type formFile struct {
	field, name string
	content     []byte
}

// call sends a request to a face, with a token or without. A body is JSON, or a form where it is url.Values or a formFile.
func (s *server) call(method, path, token string, body any, headers ...string) faceAnswer {
	s.t.Helper()
	var text io.Reader
	media := ""
	switch b := body.(type) {
	case nil:
	case string:
		text, media = strings.NewReader(b), "application/json"
	case formFile:
		var form bytes.Buffer
		parts := multipart.NewWriter(&form)
		must(s.t, parts.WriteField("note", "passed over"))
		part, err := parts.CreateFormFile(b.field, b.name)
		must(s.t, err)
		_, err = part.Write(b.content)
		must(s.t, errors.Join(err, parts.Close()))
		text, media = &form, parts.FormDataContentType()
	case url.Values:
		text, media = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	}
	request, err := http.NewRequestWithContext(context.Background(), method, s.url+path, text)
	if err != nil {
		s.t.Fatal(err)
	}
	if media != "" {
		request.Header.Set("Content-Type", media)
	}
	if token != "" {
		request.Header.Set("Authorization", token)
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	client := *s.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("redirected") }
	response, err := client.Do(request)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return faceAnswer{response.StatusCode, response.Header, strings.TrimSpace(string(all))}
}

// must returns what part of the body a pattern's first group finds.
func (a faceAnswer) must(t *testing.T, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(a.body)
	if found == nil {
		t.Fatalf("%s is not in %s", pattern, a.body)
	}
	return found[len(found)-1]
}

// masked replaces what differs from run to run, given as pairs of what and by which name.
func masked(text string, pairs ...string) string {
	text = strings.NewReplacer(pairs...).Replace(text)
	text = regexp.MustCompile(`\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b`).ReplaceAllString(text, "TIME")
	text = regexp.MustCompile(`\b1[0-9]{9}\b`).ReplaceAllString(text, "SECONDS")
	return regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`).ReplaceAllString(text, "IDENTITY")
}

// faceSocket is a client of a face's socket. What it hears waits until the test asks for it.
type faceSocket struct {
	t      *testing.T
	conn   *websocket.Conn
	frames chan string
	pongs  chan struct{}
	ended  chan struct{} // closed when the connection is gone
	err    error         // why; read after ended
}

// faceSocket opens a socket of a face.
func (s *server) faceSocket(path string, header http.Header) *faceSocket {
	s.t.Helper()
	dialer := websocket.Dialer{HandshakeTimeout: patience}
	conn, _, err := dialer.Dial("ws"+strings.TrimPrefix(s.url, "http")+path, header)
	if err != nil {
		s.t.Fatalf("open %s: %v", path, err)
	}
	return listen(s.t, conn)
}

// listen makes a client of a connection that is open.
func listen(t *testing.T, conn *websocket.Conn) *faceSocket {
	f := &faceSocket{t: t, conn: conn, frames: make(chan string, 1024), pongs: make(chan struct{}, 1), ended: make(chan struct{})}
	conn.SetPongHandler(func(string) error {
		select {
		case f.pongs <- struct{}{}:
		default: // nobody has asked
		}
		return nil
	})
	go func() {
		defer close(f.ended)
		for {
			_, text, err := conn.ReadMessage()
			if err != nil {
				f.err = err
				return
			}
			f.frames <- string(text)
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close() // it may be gone already
		<-f.ended
	})
	return f
}

func (f *faceSocket) send(text string) {
	f.t.Helper()
	if err := f.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		f.t.Fatal(err)
	}
}

// next returns the next frame.
func (f *faceSocket) next() string {
	f.t.Helper()
	select {
	case text := <-f.frames:
		return text
	case <-f.ended:
		select {
		case text := <-f.frames: // it came before the end
			return text
		default:
			f.t.Fatalf("the socket ended: %v", f.err)
		}
	case <-time.After(patience):
		f.t.Fatal("nothing came")
	}
	return ""
}

// expect fails the test unless the next frame is this one.
func (f *faceSocket) expect(want string, mask ...string) {
	f.t.Helper()
	if got := masked(f.next(), mask...); got != want {
		f.t.Errorf("heard %s\nwant  %s", got, want)
	}
}

// closed waits for the end of the connection and returns its close code.
func (f *faceSocket) closed() int {
	f.t.Helper()
	select {
	case <-f.ended:
	case <-time.After(patience):
		f.t.Fatal("the socket was not closed")
	}
	var closed *websocket.CloseError
	if !errors.As(f.err, &closed) {
		f.t.Fatalf("the socket ended with %v", f.err)
	}
	return closed.Code
}

// refusedSocket returns the status with which a face refuses to open a socket.
func (s *server) refusedSocket(path string, header http.Header) int {
	s.t.Helper()
	dialer := websocket.Dialer{HandshakeTimeout: patience}
	conn, response, err := dialer.Dial("ws"+strings.TrimPrefix(s.url, "http")+path, header)
	if err == nil {
		_ = conn.Close()
		s.t.Fatalf("%s was opened", path)
	}
	if response == nil {
		s.t.Fatal(err)
	}
	return response.StatusCode
}
