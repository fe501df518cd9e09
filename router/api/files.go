package api

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

type files interface {
	Upload(ctx context.Context, c service.Caller, name string, r io.Reader) (service.File, error)
	Open(ctx context.Context, c service.Caller, file string) (service.File, io.ReadSeekCloser, error)
	Thumb(ctx context.Context, c service.Caller, file string) (service.File, io.ReadSeekCloser, error)
}

type avatars interface {
	SetAvatar(ctx context.Context, c service.Caller, r io.Reader) (service.Me, error)
}

// Files serves what users upload, at most Limit bytes each.
type Files struct {
	Service files
	Limit   int64
}

// Avatars serves the avatars of users, made of at most Limit bytes each.
type Avatars struct {
	Service avatars
	Limit   int64
}

// Upload answers POST /files.
func (h Files) Upload(c *gin.Context) error {
	form, err := openForm(c, h.Limit)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return created(c)(h.Service.Upload(ctx, me, form.name, form))
}

// Set answers PUT /users/me/avatar.
func (h Avatars) Set(c *gin.Context) error {
	form, err := openForm(c, h.Limit)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.SetAvatar(ctx, me, form))
}

// Get answers GET and HEAD /files/{id}.
func (h Files) Get(c *gin.Context) error {
	return h.serve(c, h.Service.Open, func(f service.File) string { return f.SHA256 })
}

// Thumb answers GET and HEAD /files/{id}/thumb.
func (h Files) Thumb(c *gin.Context) error {
	return h.serve(c, h.Service.Thumb, func(f service.File) string { return f.SHA256 + "-thumb" })
}

type openFile func(ctx context.Context, c service.Caller, file string) (service.File, io.ReadSeekCloser, error)

func (h Files) serve(c *gin.Context, open openFile, tag func(service.File) string) error {
	if err := newQuery(c, "token").err(); err != nil {
		return err
	}
	ctx, me := asker(c)
	file, content, err := open(ctx, me, pathParam(c, "file"))
	if err != nil {
		return err
	}
	defer content.Close()
	WriteFile(c, file, tag(file), content)
	return nil
}

// WriteFile answers with the bytes of a file, or the part of them that is asked for. The tag changes with the content.
func WriteFile(c *gin.Context, file service.File, tag string, content io.ReadSeeker) {
	header := c.Writer.Header()
	header.Set("Content-Type", file.Mime)
	header.Set("Content-Disposition", disposition(file))
	header.Set("ETag", `"`+tag+`"`)
	// Kept by the browser, and asked for again each time: who may read it can change.
	header.Set("Cache-Control", "private, no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	header.Set("Referrer-Policy", "no-referrer") // the address may hold a token
	if !asksForBytes(c.Request.Header.Get("Range")) {
		c.Request.Header.Del("Range")
	}
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, content)
}

// asksForBytes reports whether a Range header asks for bytes that a file could have. Others are ignored, as RFC 9110, 14.2
// wants it for units that are not known and allows for what is no range: http.ServeContent refuses both, and answers "-0"
// with a part that ends before it begins.
func asksForBytes(header string) bool {
	ranges, known := strings.CutPrefix(header, "bytes=")
	if !known {
		return false
	}
	for one := range strings.SplitSeq(ranges, ",") {
		first, last, cut := strings.Cut(strings.TrimSpace(one), "-")
		from, until := position(first), position(last)
		suffix := first == "" && until > 0
		part := cut && from >= 0 && (last == "" || until >= from)
		if !suffix && !part {
			return false
		}
	}
	return true
}

// position reads a position in a file; -1 where a text is none.
func position(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || digits[0] == '+' {
		return -1
	}
	return n
}

// inline are the media types that browsers show without ever running anything in them.
var inline = []string{
	"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp",
	"audio/aac", "audio/amr", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav", "audio/webm", "audio/x-m4a",
	"video/mp4", "video/ogg", "video/quicktime", "video/webm", "video/3gpp",
}

// disposition says under which name a file is saved, and that it is only saved unless it is sure to be harmless.
func disposition(file service.File) string {
	kind := "attachment"
	if slices.Contains(inline, file.Mime) {
		kind = "inline"
	}
	// The plain name is for clients that don't know RFC 6266, section 5: quotes and other scripts are left to the other one.
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, file.Name)
	header := kind + `; filename="` + plain + `"`
	if plain == file.Name {
		return header
	}
	return header + "; filename*=UTF-8''" + escapeExtended(file.Name)
}

// escapeExtended writes a text as an extended value (RFC 8187, 3.2.1).
func escapeExtended(text string) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for _, b := range []byte(text) {
		if 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("!#$&+-.^_`|~", b) >= 0 {
			out.WriteByte(b)
		} else {
			out.WriteByte('%')
			out.WriteByte(digits[b>>4])
			out.WriteByte(digits[b&0xF])
		}
	}
	return out.String()
}
