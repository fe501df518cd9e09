package service

import (
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// Files is about what users upload.
type Files struct{ *core }

// Upload keeps what r gives until its end as a file of the caller's, streaming. What is wrong with it is decided by its
// content, whatever its name says. Refusals: ErrFileTooLarge as soon as the limit is passed, ErrTooManyPixels,
// ErrBrokenImage, ErrInvalid for an empty file, ErrRateLimited, and whatever r returns.
func (s *Files) Upload(ctx context.Context, c Caller, name string, r io.Reader) (File, error) {
	end, err := s.beginUpload(c.User)
	if err != nil {
		return File{}, err
	}
	defer end()
	file, err := s.keep(ctx, models.File{UserIdentity: c.User, Name: fileName(name)}, r)
	return fileView(file.Copy()), err
}

// beginUpload counts an upload of a user's until end is called; ErrRateLimited where he uploads too often, or too much at
// once: each takes memory for as long as it goes on.
func (c *core) beginUpload(user string) (end func(), err error) {
	if err := limit(c.limits.upload, user); err != nil {
		return nil, err
	}
	end, ok := c.uploads.enter(user, define.UploadsAtOnce)
	if !ok {
		return nil, define.ErrRateLimited.After(time.Second)
	}
	return end, nil
}

// Open returns a file to whoever may read it: its owner, the members of a room where a message with it is there for
// them, and everybody for an avatar. Refusals: ErrFileNotFound for all others, ErrLocked where the caller has locked
// every room that would let him.
func (s *Files) Open(ctx context.Context, c Caller, identity string) (File, io.ReadSeekCloser, error) {
	file, err := s.readableFile(ctx, c, identity)
	if err != nil {
		return File{}, nil, err
	}
	content, err := s.openContent(ctx, &file)
	return fileView(file.Copy()), content, err
}

// Thumb returns the small picture of a file to whoever may read the file: ErrFileNotFound where there is none. Mime and
// Size are those of the picture.
func (s *Files) Thumb(ctx context.Context, c Caller, identity string) (File, io.ReadSeekCloser, error) {
	file, err := s.readableFile(ctx, c, identity)
	if err != nil {
		return File{}, nil, err
	}
	if !file.Thumb {
		return File{}, nil, define.ErrFileNotFound
	}
	blob, err := s.store.Blobs.Get(ctx, file.SHA256)
	if err != nil {
		return File{}, nil, notFound(err, define.ErrFileNotFound)
	}
	content, err := s.store.Contents.Open(ctx, blob.Small)
	view := fileView(file.Copy())
	view.Mime, view.Size = blob.SmallMime, blob.SmallSize
	return view, content, notFound(err, define.ErrFileNotFound)
}

// openFile returns a file without asking whether anybody may read it; ErrFileNotFound where there is none.
func (c *core) openFile(ctx context.Context, identity string) (models.File, io.ReadSeekCloser, error) {
	file, err := c.store.Files.Get(ctx, identity)
	if err != nil {
		return file, nil, notFound(err, define.ErrFileNotFound)
	}
	content, err := c.openContent(ctx, &file)
	return file, content, err
}

func (c *core) openContent(ctx context.Context, file *models.File) (io.ReadSeekCloser, error) {
	blob, err := c.store.Blobs.Get(ctx, file.SHA256)
	if err != nil {
		return nil, notFound(err, define.ErrFileNotFound)
	}
	content, err := c.store.Contents.Open(ctx, blob.Content)
	return content, notFound(err, define.ErrFileNotFound)
}

// readableFile returns a file to whoever may read it.
func (c *core) readableFile(ctx context.Context, caller Caller, identity string) (models.File, error) {
	file, err := c.store.Files.Get(ctx, identity)
	if err != nil {
		return file, notFound(err, define.ErrFileNotFound)
	}
	if file.UserIdentity == caller.User || file.AvatarOf != "" {
		return file, nil
	}
	return file, c.sentTo(ctx, caller, identity)
}

// placesFew is how many messages with one file are looked at before asking only for those in the caller's own rooms.
const placesFew = 50

// sentTo returns nil where a message with a file is there for the caller, else ErrLocked or ErrFileNotFound.
func (c *core) sentTo(ctx context.Context, caller Caller, file string) error {
	places, err := c.store.Messages.PlacesOfFile(ctx, file, nil, placesFew)
	if err != nil || len(places) == 0 {
		return notFoundUnless(err)
	}
	var members []models.UserRoom
	if len(places) < placesFew {
		members, err = c.store.UserRooms.Among(ctx, caller.User, roomsOf(places))
	} else if members, err = c.store.UserRooms.ByUser(ctx, caller.User); err == nil {
		places, err = c.store.Messages.PlacesOfFile(ctx, file, roomsOfMember(members), define.FilePlacesMax)
	}
	if err != nil {
		return err
	}
	answer := error(define.ErrFileNotFound)
	for i := range members {
		member := &members[i]
		if !slices.ContainsFunc(places, func(p models.Place) bool { return isThere(member, &p) }) {
			continue
		}
		_, err := c.memberOf(ctx, caller.User, member.RoomIdentity)
		switch {
		case errors.Is(err, define.ErrRoomNotFound), errors.Is(err, define.ErrRoomDissolved):
		case err != nil:
			return err
		case !member.Locked || caller.unlocked(member.RoomIdentity):
			return nil
		default:
			answer = define.ErrLocked
		}
	}
	return answer
}

func notFoundUnless(err error) error {
	if err != nil {
		return err
	}
	return define.ErrFileNotFound
}

// isThere reports whether a member sees what stands at a place.
func isThere(member *models.UserRoom, p *models.Place) bool {
	return member.RoomIdentity == p.RoomIdentity && p.Seq > floor(member) && !slices.Contains(p.HiddenFor, member.UserIdentity)
}

func roomsOf(places []models.Place) []string {
	rooms := make([]string, len(places))
	for i := range places {
		rooms[i] = places[i].RoomIdentity
	}
	return rooms
}

func roomsOfMember(members []models.UserRoom) []string {
	rooms := make([]string, len(members))
	for i := range members {
		rooms[i] = members[i].RoomIdentity
	}
	return rooms
}

// fileName makes a name of what a client says: the last part of a path of any system, without what can't be seen, and
// not longer than define.FileNameMax. It keeps the ending of a name that is too long.
func fileName(name string) string {
	name = strings.ToValidUTF8(name, "")
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1 // control characters, and those that turn the direction of what follows
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	if name == "" || name == "." || name == ".." || name == "/" {
		return "file"
	}
	letters := []rune(name)
	if len(letters) <= define.FileNameMax {
		return name
	}
	ending := []rune(path.Ext(name))
	if len(ending) > 20 {
		ending = nil
	}
	return strings.TrimSpace(string(letters[:define.FileNameMax-len(ending)])) + string(ending)
}

// fileView shows a file, or the copy of one in a message.
func fileView(file *models.FileCopy) File {
	return File{
		Identity: file.Identity, Name: file.Name, Size: file.Size, Mime: file.Mime, SHA256: file.SHA256,
		Width: file.Width, Height: file.Height, Duration: file.Duration, Thumb: file.Thumb,
	}
}

// newFile gives a file its identity and times.
func newFile(file models.File) models.File {
	file.Identity, file.CreatedAt = helper.NewIdentity(), now()
	file.LooseSince = file.CreatedAt
	return file
}
