package api

import (
	"io"
	"mime"
	"mime/multipart"

	"github.com/gin-gonic/gin"

	"parlor/define"
)

// formOverhead is how much longer than its file a form may be: boundaries, headers, a long name.
const formOverhead = 16 << 10

// form is an upload: the field `file` of a multipart/form-data body, read while it comes.
type form struct {
	name  string
	part  io.Reader
	parts *multipart.Reader
}

// openForm finds the file of an upload. One that says of itself that it is too large is refused at once.
func openForm(c *gin.Context, limit int64) (*form, error) {
	r := c.Request
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" || params["boundary"] == "" {
		return nil, define.ErrNoForm.With(err)
	}
	if r.ContentLength > limit+formOverhead {
		return nil, define.FileTooLarge(limit)
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, define.ErrNoForm.With(err)
	}
	part, err := parts.NextRawPart()
	if err == io.EOF {
		return nil, define.Invalid("file", "is needed", "为必填字段")
	}
	if err != nil {
		return nil, define.ErrBrokenUpload.With(err)
	}
	if name := part.FormName(); name != "file" {
		return nil, notAField(name)
	}
	return &form{name: part.FileName(), part: part, parts: parts}, nil
}

// Read implements io.Reader. The end of the file is the end of the form as well, so that nothing in it is ignored.
func (f *form) Read(p []byte) (int, error) {
	n, err := f.part.Read(p)
	if err == nil || err != io.EOF {
		return n, broken(err)
	}
	next, err := f.parts.NextRawPart()
	if err == nil {
		return n, notAField(next.FormName())
	}
	return n, broken(err)
}

// broken gives its name to what a client sends wrongly, or stops sending.
func broken(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return define.ErrBrokenUpload.With(err)
}

func notAField(name string) error {
	if name == "file" {
		return define.Invalid("file", "is given more than once", "重复出现")
	}
	return define.Invalid(name, "is not a field of this form: send the file as `file`", "不是该表单的字段：请以 file 字段上传文件")
}
