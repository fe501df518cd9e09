package middleware_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/helper"
	"parlor/middleware"
)

// dripping gives a few bytes at a time, for longer than a server below waits for a whole request.
type dripping struct {
	pieces int
	drops  *time.Ticker
}

// Read implements io.Reader.
func (d *dripping) Read(p []byte) (int, error) {
	if d.pieces == 0 {
		return 0, io.EOF
	}
	<-d.drops.C
	d.pieces--
	return copy(p, "drop"), nil
}

// The server's deadlines end what takes too long as a whole; with Transfer only what stands still.
func TestTransferTakesAsLongAsItGoesOn(t *testing.T) {
	t.Parallel()
	const whole, pieces, every = 250 * time.Millisecond, 12, 50 * time.Millisecond
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	up := func(c *gin.Context) {
		if got, err := io.ReadAll(c.Request.Body); err != nil || len(got) != pieces*len("drop") {
			c.String(http.StatusBadRequest, "%d bytes, %v", len(got), err)
		}
	}
	down := func(c *gin.Context) {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for range pieces {
			<-ticker.C
			if c.Request.Context().Err() != nil {
				return // as a database would that reads for the request
			}
			if _, err := c.Writer.Write([]byte("drop")); err != nil {
				return
			}
			c.Writer.Flush()
		}
	}
	engine.POST("/steady", middleware.Transfer(), up)
	engine.GET("/steady", middleware.Transfer(), down)
	engine.POST("/usual", up)
	engine.GET("/usual", down)
	server := httptest.NewUnstartedServer(engine)
	server.Config.ReadTimeout, server.Config.WriteTimeout = whole, whole
	server.Start()
	defer server.Close()
	for path, want := range map[string]bool{"/steady": true, "/usual": false} {
		drops := time.NewTicker(every)
		response, err := server.Client().Post(server.URL+path, "text/plain", &dripping{pieces, drops})
		drops.Stop()
		if done := err == nil && response.StatusCode == http.StatusOK; done != want {
			t.Errorf("POST %s: %v, %v", path, response, err)
		}
		if err == nil {
			response.Body.Close()
		}
		response, err = server.Client().Get(server.URL + path)
		var got []byte
		if err == nil {
			got, err = io.ReadAll(response.Body)
			response.Body.Close()
		}
		if done := err == nil && len(got) == pieces*len("drop"); done != want {
			t.Errorf("GET %s: %d bytes, %v", path, len(got), err)
		}
	}
}

// refusing is a server that refuses every upload without looking at it.
func refusing(t *testing.T) *httptest.Server {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(middleware.Linger())
	engine.POST("/", middleware.Transfer(), func(c *gin.Context) {
		c.Header("Content-Length", "2")
		c.String(http.StatusForbidden, "no")
	})
	server := httptest.NewServer(engine)
	t.Cleanup(server.Close)
	return server
}

// refused sends the head of an upload.
func refused(t *testing.T, server *httptest.Server, size int, header string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n", size, header); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// answered reads one answer, which has to be the refusal.
func answered(t *testing.T, r *bufio.Reader) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusForbidden {
		t.Fatalf("%v, %v", response, err)
	}
	return response
}

// A refused upload is read on for a while, so that who sends all of it before he looks for the answer gets to see it, and
// can go on.
func TestLinger(t *testing.T) {
	t.Parallel()
	server := refusing(t)
	const size = 16 << 20 // more than all buffers on the way hold
	conn, answers := refused(t, server, size, "")
	if n, err := conn.Write(make([]byte, size)); err != nil {
		t.Fatalf("only %d bytes were read: %v", n, err)
	}
	answered(t, answers)
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answered(t, answers)
}

// What is left of an upload is never taken for a request.
func TestLingerEndsWithTheConnection(t *testing.T) {
	t.Parallel()
	server := refusing(t)
	conn, answers := refused(t, server, 1<<40, "")
	answered(t, answers)
	_, _ = conn.Write(make([]byte, 64<<20)) // as much as is read on
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	if response, err := http.ReadResponse(answers, nil); err == nil {
		t.Errorf("a part of the upload was answered: %v", response)
	}
}

// Who waits for leave to send is told that the connection ends.
func TestRefusalBeforeTheBody(t *testing.T) {
	t.Parallel()
	server := refusing(t)
	for _, size := range []int{900, 1 << 30} {
		_, answers := refused(t, server, size, "Expect: 100-continue\r\n")
		if response := answered(t, answers); !response.Close {
			t.Errorf("after a refusal of %d bytes that were not sent the connection goes on", size)
		}
	}
}

// The token may stand in the query, and does not stand in the log.
func TestSessionInQuery(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(e *gin.Engine) {
		rates := helper.NewRates(1000, 1000, 1)
		e.GET("/", middleware.SessionInQuery(sessions{}, rates), func(c *gin.Context) { c.String(http.StatusOK, middleware.CallerOf(c).User) })
		e.GET("/header", middleware.Session(sessions{}, rates), func(c *gin.Context) { c.String(http.StatusOK, "in") })
	})
	for _, test := range []struct {
		path, header string
		status       int
	}{
		{"/?token=good", "", 200},
		{"/", "Bearer good", 200},
		{"/?token=bad", "Bearer good", 200},
		{"/?token=good", "Bearer bad", 401},
		{"/?token=bad", "", 401},
		{"/?token=", "", 401},
		{"/", "", 401},
		{"/header?token=good", "", 401},
	} {
		if a := s.do(t, "GET", test.path, nil, "Authorization", test.header); a.StatusCode != test.status || test.status == 200 && a.body != "anna" {
			t.Errorf("%s, %q: %d %s", test.path, test.header, a.StatusCode, a.body)
		}
	}
	s.stop()
	if strings.Contains(s.log.text.String(), "good") || strings.Contains(s.log.text.String(), "bad") {
		t.Errorf("the log tells tokens: %s", s.log.text.String())
	}
}
