package middleware

import (
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	idleMax     = time.Minute // that a transfer may stand still, in either direction
	uploadMax   = time.Hour   // that an upload may take: strays are not taken for left behind before (service.Files.Sweep)
	lingerBytes = 64 << 20    // of a refused upload that are read and thrown away
	lingerTime  = 20 * time.Second
)

const keyUpload = "parlor.upload"

// Transfer lets a request take as long as it goes on, instead of the minute that the server gives to others: slow phones
// need more for a large file.
func Transfer() gin.HandlerFunc {
	return func(c *gin.Context) {
		control := http.NewResponseController(c.Writer)
		c.Request.Body = &steadyBody{ReadCloser: c.Request.Body, control: control, until: time.Now().Add(uploadMax)}
		c.Writer = &steadyWriter{ResponseWriter: c.Writer, control: control}
		c.Set(keyUpload, c.Request.Body)
		// Else the server reads on before it answers, and a refusal would come too late.
		_ = control.EnableFullDuplex() // HTTP/2 knows nothing else
	}
}

// steadyBody moves the deadlines of its connection with each read. Those of the answer move along: the server counts
// them from the first byte of the request.
type steadyBody struct {
	io.ReadCloser
	control *http.ResponseController
	until   time.Time
	begun   bool
	failure error // io.EOF at its end
}

// Read implements io.Reader.
func (b *steadyBody) Read(p []byte) (int, error) {
	b.begun = true
	b.extend()
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.failure = err
	}
	return n, err
}

// complete reports whether all of it has been read.
func (b *steadyBody) complete() bool { return b.failure == io.EOF }

// extend moves the deadlines, though reading not beyond until. A connection that can't do so keeps those of the server.
func (b *steadyBody) extend() {
	next := time.Now().Add(idleMax)
	_ = b.control.SetWriteDeadline(next)
	if next.After(b.until) {
		next = b.until
	}
	_ = b.control.SetReadDeadline(next)
}

// steadyWriter moves the deadlines of its connection with each write: that of reading too, for the server takes a client
// that it can't read from for one that has gone away.
type steadyWriter struct {
	gin.ResponseWriter
	control *http.ResponseController
}

// Write implements http.ResponseWriter.
func (w *steadyWriter) Write(p []byte) (int, error) {
	next := time.Now().Add(idleMax)
	_ = w.control.SetWriteDeadline(next)
	_ = w.control.SetReadDeadline(next)
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.NewResponseController find the connection.
func (w *steadyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Linger reads on for a while where an upload was answered before its end: most clients look at an answer only when they
// have sent everything, and would see a broken connection instead. It goes outside of Errors, which writes the answer.
func Linger() gin.HandlerFunc {
	return func(c *gin.Context) {
		plain := c.Request.Body
		c.Next()
		c.Request.Body = plain // net/http knows by it whether the connection can be used again
		body, ok := c.Value(keyUpload).(*steadyBody)
		if !ok || body.complete() || c.Request.ContentLength == 0 {
			return
		}
		if !body.begun && c.GetHeader("Expect") != "" {
			return // the client has been waiting for the answer with all of it
		}
		if err := body.control.Flush(); err == nil && body.failure == nil {
			body.until = time.Now().Add(lingerTime)
			_, _ = io.CopyN(io.Discard, body, lingerBytes)
		}
		if !body.complete() {
			// What has not been read must not be taken for the next request. The answer is sent.
			panic(http.ErrAbortHandler)
		}
	}
}
