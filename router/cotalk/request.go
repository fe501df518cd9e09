package cotalk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"parlor/define"
)

// formMemory is how much of a form is kept in memory; the rest of an upload waits in a file.
const formMemory = 1 << 20

// fields are what a client sent by name: in JSON, in a form or in the query. A value is one that encoding/json makes with
// UseNumber.
type fields map[string]any

// decodeFields reads a JSON object. Seed 000's clients send it with any Content-Type, or none.
func decodeFields(text []byte) (fields, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var all fields
	if err := d.Decode(&all); err != nil {
		return nil, badRequest("JSON decode error: the body must be a JSON object").With(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || all == nil {
		return nil, badRequest("JSON decode error: the body must be one JSON object")
	}
	return all, nil
}

// formFields takes the last of several values, as the original does. Unlike JSON a form can hold what is no text.
func formFields(form url.Values) fields {
	all := make(fields, len(form))
	for name, values := range form {
		all[name] = strings.ToValidUTF8(values[len(values)-1], "\uFFFD")
	}
	return all
}

// missing and wrongType are worded as the original's, quotes and all; said replaces both where a field has words of its own.
func missing(name, said string) error {
	if said == "" {
		said = "Invalid parameters. Expected `" + name + "`, but not found."
	}
	return badRequest("'" + said + "'")
}

func wrongType(name, kind, said string) error {
	if said == "" {
		said = "Invalid parameters. Expected `" + name + "` to be `" + kind + "` type."
	}
	return badRequest("'" + said + "'")
}

// has reports whether a field was sent; null counts as left out.
func (f fields) has(name string) bool { return f[name] != nil }

// text returns a needed string. Other scalars are taken for their text.
func (f fields) text(name, said string) (string, error) {
	if !f.has(name) {
		return "", missing(name, said)
	}
	switch v := f[name].(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return truths[v], nil
	}
	return "", wrongType(name, "string", said)
}

// truths are what the original takes truth values for where it wants a text.
var truths = map[bool]string{true: "True", false: "False"}

// optionalText is text for what may be left out: nil then.
func (f fields) optionalText(name, said string) (*string, error) {
	if !f.has(name) {
		return nil, nil
	}
	v, err := f.text(name, said)
	return &v, err
}

// integer returns a needed whole number, which may be written as a string: the page sends what stands in its address.
func (f fields) integer(name string) (int64, error) {
	if !f.has(name) {
		return 0, missing(name, "")
	}
	if n, ok := integerOf(f[name]); ok {
		return n, nil
	}
	return 0, wrongType(name, "int", "")
}

func integerOf(v any) (int64, bool) {
	switch v := v.(type) {
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, true
		}
		x, err := v.Float64()
		return int64(x), err == nil && math.Abs(x) < 1<<53
	}
	return 0, false
}

// integers returns a list of whole numbers, nil where it was left out.
func (f fields) integers(name string) ([]int64, error) {
	if !f.has(name) {
		return nil, nil
	}
	list, ok := f[name].([]any)
	if !ok {
		return nil, wrongType(name, "array", "")
	}
	all := make([]int64, len(list))
	for i, v := range list {
		if all[i], ok = integerOf(v); !ok {
			return nil, wrongType(name, "array of int", "")
		}
	}
	return all, nil
}

// number returns a number, or otherwise where it was left out.
func (f fields) number(name string, otherwise float64) (float64, error) {
	if !f.has(name) {
		return otherwise, nil
	}
	text, err := f.text(name, "")
	if err != nil {
		return 0, err
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(x) {
		return 0, wrongType(name, "float", "")
	}
	return x, nil
}

var booleans = map[string]bool{
	"True": true, "true": true, "Yes": true, "yes": true,
	"False": false, "false": false, "No": false, "no": false,
}

// boolean returns a needed truth value.
func (f fields) boolean(name string) (bool, error) {
	if !f.has(name) {
		return false, missing(name, "")
	}
	return f.optionalBoolean(name, false)
}

// optionalBoolean is boolean for what may be left out.
func (f fields) optionalBoolean(name string, otherwise bool) (bool, error) {
	if !f.has(name) {
		return otherwise, nil
	}
	text, err := f.text(name, "")
	truth, known := booleans[text]
	if err != nil || !known {
		return false, wrongType(name, "bool", "")
	}
	return truth, nil
}

// request is one request to this face.
type request struct {
	*gin.Context
	ctx  context.Context
	form *multipart.Form // nil where the body is none
}

// newRequest returns a request. One that changes something goes on when its client has gone away, so that no change stops
// halfway.
func newRequest(c *gin.Context) *request {
	ctx := c.Request.Context()
	if c.Request.Method != http.MethodGet {
		ctx = context.WithoutCancel(ctx)
	}
	return &request{Context: c, ctx: ctx}
}

// close removes what a form has left in files.
func (r *request) close() {
	if r.form != nil {
		_ = r.form.RemoveAll() // a temporary file that is left over is the system's to remove
	}
}

// fields returns what was sent: the fields of the body, and beside them those of the query.
func (r *request) fields() (fields, error) {
	all := fields{}
	if r.Request.ContentLength != 0 {
		body, err := r.body()
		if err != nil {
			return nil, err
		}
		all = body
	}
	for name, value := range formFields(r.Request.URL.Query()) {
		if !all.has(name) {
			all[name] = value
		}
	}
	return all, nil
}

func (r *request) media() string {
	media, _, err := mime.ParseMediaType(r.GetHeader("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

// isForm reports whether the body is a form that may hold files.
func (r *request) isForm() bool { return r.media() == "multipart/form-data" }

// body returns the fields of the body: of a form, or else of a JSON object.
func (r *request) body() (fields, error) {
	if r.isForm() {
		if err := r.Request.ParseMultipartForm(formMemory); err != nil {
			return nil, bodyError(err)
		}
		r.form = r.Request.MultipartForm
		return formFields(r.form.Value), nil
	}
	text, err := io.ReadAll(http.MaxBytesReader(r.Writer, r.Request.Body, define.BodyMax)) // a form with files may be longer
	if err != nil {
		return nil, bodyError(err)
	}
	media := r.media()
	// curl and others call JSON a form when they are told nothing.
	if media == "application/x-www-form-urlencoded" && !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		form, err := url.ParseQuery(string(text))
		if err != nil {
			return nil, bodyError(err)
		}
		return formFields(form), nil
	}
	return decodeFields(text)
}

func bodyError(err error) error {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return define.ErrTooLarge.With(err)
	}
	return badRequest("The body cannot be read").With(err)
}

// file returns an uploaded file, nil where there is none. Only fields makes it known.
func (r *request) file(name string) *multipart.FileHeader {
	if r.form == nil || len(r.form.File[name]) == 0 {
		return nil
	}
	return r.form.File[name][0]
}

// pathNumber returns a number in the path, or wrong where it is none.
func (r *request) pathNumber(name string, wrong *define.Error) (int64, error) {
	n, err := strconv.ParseInt(r.Param(name), 10, 64)
	if err != nil {
		return 0, wrong
	}
	return n, nil
}

// about returns the number in the path, or wrong where it is none, and the fields.
func (r *request) about(name string, wrong *define.Error) (int64, fields, error) {
	number, err := r.pathNumber(name, wrong)
	if err != nil {
		return 0, nil, err
	}
	in, err := r.fields()
	return number, in, err
}
