package cotalk

import (
	_ "embed"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"

	"parlor/define"
	"parlor/router/api"
	"parlor/service"
)

// fileURL begins the address of the file in a message, whose number follows. The original never answers with one; its
// documents have this.
const fileURL = "/api/message/files/"

// endings are those that the names of files must have, by the type of message. What a file is the core finds out by itself.
var endings = map[string][]string{
	"image": {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".svg"},
	"audio": {".mp3", ".wav", ".ogg"},
	"video": {".mp4", ".webm", ".ogg", ".flv"},
}

func ends(name, kind string) bool {
	allowed, bound := endings[kind]
	return !bound || slices.Contains(allowed, strings.ToLower(path.Ext(name)))
}

// wrongEnding refuses a file in the words of the original, which are the same for every field.
func wrongEnding(kind string) error {
	allowed := strings.ReplaceAll(strings.Join(endings[kind], ","), ".", "")
	return missing("file", "Invalid parameters. Expected `file` to be a "+kind+" file, should be one of "+allowed)
}

// upload keeps the file of a message and returns its identity.
func (f *Face) upload(r *request, caller service.Caller, kind string) (string, error) {
	header := r.file("msg_file")
	if header == nil {
		return "", missing("msg_file", "")
	}
	if !ends(header.Filename, kind) {
		return "", wrongEnding(kind)
	}
	content, err := header.Open()
	if err != nil {
		return "", err
	}
	defer content.Close()
	file, err := f.o.Files.Upload(r.ctx, caller, header.Filename, content)
	return file.Identity, err
}

// file answers with the file of a message, to whoever may see the message.
func (f *Face) file(r *request) (any, error) {
	identity, err := r.pathNumber("message", errMessageID)
	if err != nil {
		return nil, err
	}
	caller, err := f.reader(r)
	if err != nil {
		return nil, err
	}
	if caller.User == "" {
		return nil, errNoToken
	}
	m, err := f.o.Messages.Get(r.ctx, caller, identity)
	if errors.Is(err, define.ErrMessageNotFound) {
		return nil, f.unseen(r, identity)
	}
	if err != nil {
		return nil, err
	}
	if m.File == nil {
		return nil, errMessage
	}
	file, content, err := f.o.Files.Open(r.ctx, caller, m.File.Identity)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	api.WriteFile(r.Context, file, file.SHA256, content)
	return nil, nil
}

// noAvatar is the picture of users who have none.
//
//go:embed avatar.png
var noAvatar []byte

// pictures are the types of images that the core can make smaller.
var pictures = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// picture returns the picture of a profile, nil where there is none. What is no picture is refused before anything else is
// changed.
func (r *request) picture() (*multipart.FileHeader, error) {
	const refusal = "Missing or error type of [avatar]"
	header := r.file("avatar")
	if header == nil {
		return nil, nil
	}
	if !ends(header.Filename, "image") {
		return nil, wrongEnding("image")
	}
	content, err := header.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	first := make([]byte, 512)
	n, err := io.ReadFull(content, first)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	if !slices.Contains(pictures, http.DetectContentType(first[:n])) {
		return nil, wrongType("avatar", "image", refusal)
	}
	return header, nil
}

func (f *Face) setPicture(r *request, caller service.Caller, picture *multipart.FileHeader) error {
	content, err := picture.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = f.o.Accounts.SetAvatar(r.ctx, caller, content)
	return err
}

// avatar answers with the bytes of a user's picture. The page takes it for one only where Content-Type is exactly that.
func (f *Face) avatar(r *request) (any, error) {
	number, err := r.pathNumber("user", errUserID)
	if err != nil {
		return nil, err
	}
	user := service.User{}
	if number != systemNumber {
		if user, err = f.o.Accounts.Numbered(r.ctx, number); err != nil {
			return nil, words{define.ErrUserNotFound: errProfile}.in(err)
		}
	}
	if user.Avatar == "" {
		r.Data(http.StatusOK, "image/png", noAvatar)
		return nil, nil
	}
	file, content, err := f.o.Files.Open(r.ctx, service.Caller{}, user.Avatar)
	if errors.Is(err, define.ErrFileNotFound) { // it has just been replaced
		r.Data(http.StatusOK, "image/png", noAvatar)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer content.Close()
	api.WriteFile(r.Context, file, file.SHA256, content)
	return nil, nil
}
