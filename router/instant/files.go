package instant

import (
	"bytes"
	"cmp"
	"errors"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/middleware"
	"parlor/router/api"
	"parlor/service"
)

// Where files are, below the address of the server.
const (
	mediaPath      = "/static/media/"
	pictures       = mediaPath + "pic/"
	uploaded       = mediaPath + "file/"
	defaultPicName = "default.jpeg"
)

// avatarOf is the address of a user's avatar.
func avatarOf(u *service.User) string {
	if u.Avatar == "" {
		return pictures + defaultPicName
	}
	return pictures + u.Avatar
}

// extensionMax is how long an extension may be that stands in an address.
const extensionMax = 10

// fileAddress is where a file is. The clients tell by its end what it is.
func fileAddress(f *service.File) string {
	extension := strings.ToLower(path.Ext(f.Name))
	odd := strings.ContainsFunc(strings.TrimPrefix(extension, "."), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	if odd || len(extension) > extensionMax {
		extension = ""
	}
	return uploaded + f.Identity + extension
}

// fileOf returns which file is at an address, empty for none.
func fileOf(address string) string {
	name, ok := strings.CutPrefix(address, uploaded)
	if !ok || strings.Contains(name, "/") {
		return ""
	}
	return strings.TrimSuffix(name, path.Ext(name))
}

// formMemory is how much of an upload is kept in memory. The rest waits on the disk, since what comes behind the file says
// whose it is.
const formMemory = 256 << 10

// form reads an upload and finds out whose it is: before it reads, unless a name is enough. The file may be in any of the
// fields; the first of them is the one to ask for.
func (s *Server) form(c *gin.Context, fields ...string) (service.Caller, multipart.File, *multipart.FileHeader, error) {
	proven := token(c.Query("token"))
	if caller, err := s.caller(c, c.Query("username"), proven); err != nil && !s.o.TrustNames {
		return caller, nil, nil, err
	}
	const besides = 64 << 10 // for the other fields
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, s.o.FileMax+besides)
	err := c.Request.ParseMultipartForm(formMemory)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return service.Caller{}, nil, nil, define.FileTooLarge(s.o.FileMax)
	}
	if err != nil {
		return service.Caller{}, nil, nil, define.ErrNoForm.With(err)
	}
	caller, err := s.caller(c, cmp.Or(c.Request.PostForm.Get("username"), c.Query("username")), proven)
	if err != nil {
		return caller, nil, nil, err
	}
	for _, field := range fields {
		if file, header, err := c.Request.FormFile(field); err == nil {
			return caller, file, header, nil
		}
	}
	return caller, nil, nil, define.Invalid(fields[0], "is needed", "为必填字段")
}

func dropForm(c *gin.Context) {
	if form := c.Request.MultipartForm; form != nil {
		_ = form.RemoveAll() // what stays is in the system's own folder for such files
	}
}

type avatarSet struct {
	outcome
	Avatar string `json:"avatar"`
}

func (s *Server) uploadAvatar(c *gin.Context) (any, error) {
	defer dropForm(c)
	caller, file, _, err := s.form(c, "avatar")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	me, err := s.o.Avatars.SetAvatar(c.Request.Context(), caller, file)
	return avatarSet{done("successfully upload"), avatarOf(&me.User)}, err
}

type fileKept struct {
	outcome
	URL string `json:"file_url"`
}

func (s *Server) uploadFile(c *gin.Context) (any, error) {
	defer dropForm(c)
	caller, file, header, err := s.form(c, "file", "avatar") // the document's name
	if err != nil {
		return nil, err
	}
	defer file.Close()
	kept, err := s.o.Files.Upload(c.Request.Context(), caller, header.Filename, file)
	return fileKept{done("successfully upload"), fileAddress(&kept)}, err
}

// media answers GET /static/media/…: to who is logged in, and may read the file. What users without an avatar look like is
// for everybody.
func (s *Server) media(c *gin.Context) error {
	address := c.Request.URL.Path
	if address == pictures+defaultPicName {
		c.Header("Content-Type", "image/jpeg")
		c.Header("Cache-Control", "public, max-age=86400")
		http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(s.picture))
		return nil
	}
	file := fileOf(address)
	if picture, ok := strings.CutPrefix(address, pictures); ok {
		file = picture
	}
	if file == "" {
		return define.ErrFileNotFound
	}
	caller, err := s.caller(c, c.Query("username"), token(c.Query("token")))
	if err != nil {
		return err
	}
	info, content, err := s.o.Files.Open(c.Request.Context(), caller, file)
	if err != nil {
		return err
	}
	defer content.Close()
	api.WriteFile(c, info, info.SHA256, content)
	return nil
}

type audioInput struct {
	signed
	URL string `json:"url"`
}

type heard struct {
	Code   int    `json:"code"`
	Result string `json:"result"`
}

// audio says what is said in a file that stands in a message for the caller.
func (s *Server) audio(c *gin.Context, in audioInput) (any, error) {
	caller, err := s.caller(c, in.Username, in.Token)
	var said service.Transcription
	if err == nil {
		// The published client sends the address as it stands in the message.
		said, err = s.o.Speech.TranscribeFile(c.Request.Context(), caller, fileOf(in.URL))
	}
	if r, _ := middleware.Refusal(err); err != nil && r.Code != define.CodeInternal {
		return refusedBy(c, r), nil
	}
	return heard{0, said.Text}, err
}
