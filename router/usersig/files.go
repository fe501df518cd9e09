package usersig

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/middleware"
	"parlor/router/api"
	"parlor/service"
)

const (
	mediaPath    = "/media/chat_file/"
	fileMax      = 20 << 20  // bytes of a file that the original takes
	formOverhead = 256 << 10 // bytes that a form may have beside the file
)

// chatFile is a file that was uploaded.
type chatFile struct {
	ID         string `json:"id"`
	MD5        string `json:"md5"`
	CreateTime string `json:"create_time"`
	URL        string `json:"url"`
}

// path is where a reader finds a file. Who has been told of it reads it as that reader.
func (f *Face) path(file string, reader int64, name string) string {
	grant := f.o.Files.Grant(file, reader)
	return mediaPath + file + "/" + strconv.FormatInt(reader, 10) + "/" + grant.Proof + "/" + url.PathEscape(name)
}

// upload keeps a file. Its address is the sender's, for whoever he sends it to.
func (f *Face) upload(c *gin.Context) error {
	most := min(f.o.FileMax, fileMax)
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, most+formOverhead)
	part, err := filePart(c.Request)
	if err != nil {
		return f.tooLarge(c, err)
	}
	ctx, caller := middleware.ContextOf(c), middleware.CallerOf(c)
	sum := md5.New()
	file, err := f.o.Files.Upload(ctx, caller, part.FileName(), io.TeeReader(part, sum))
	if err != nil {
		return f.tooLarge(c, err)
	}
	if file.Size > most {
		return f.tooLarge(c, define.ErrFileTooLarge)
	}
	if err := f.o.Files.Keep(ctx, caller, file.Identity); err != nil {
		return err
	}
	me, err := f.o.Accounts.Get(ctx, caller.User)
	if err != nil {
		return err
	}
	base := f.o.Config.URL
	if base == "" {
		base = baseOf(c.Request)
	}
	return write(c, "上传成功", map[string]chatFile{"chat_file": {
		ID: file.Identity, MD5: hex.EncodeToString(sum.Sum(nil)), CreateTime: timeText(time.Now().UnixMilli()),
		URL: base + f.path(file.Identity, me.Number, file.Name),
	}})
}

// filePart finds the file in a form. What stands before it is passed over.
func filePart(r *http.Request) (*multipart.Part, error) {
	missing := define.Invalid("file", "is required", "不能为空")
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, missing.With(err)
	}
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return nil, missing
		}
		if err != nil {
			return nil, define.ErrBrokenUpload.With(err)
		}
		if part.FormName() == "file" {
			return part, nil
		}
	}
}

// tooLarge says that a file is too large as the original does, where the limit is the same; other errors are returned.
func (f *Face) tooLarge(c *gin.Context, err error) error {
	bytes := (*http.MaxBytesError)(nil)
	if !errors.Is(err, define.ErrFileTooLarge) && !errors.As(err, &bytes) {
		return err
	}
	if f.o.FileMax < fileMax {
		return define.FileTooLarge(f.o.FileMax)
	}
	return refuse(c, http.StatusBadRequest, "文件大小超限，20M以内")
}

// baseOf is how the client addresses the server.
func baseOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// download answers for the address of a file.
func (f *Face) download(c *gin.Context) error {
	reader, err := strconv.ParseInt(c.Param("reader"), 10, 64)
	if err != nil {
		return define.ErrFileNotFound
	}
	grant := service.FileGrant{File: c.Param("file"), Reader: reader, Proof: c.Param("proof")}
	file, content, err := f.o.Files.OpenGranted(middleware.ContextOf(c), grant)
	if err != nil {
		return err
	}
	defer content.Close()
	api.WriteFile(c, file, file.SHA256, content)
	return nil
}
