package service

import (
	"bytes"
	"context"
	"errors"
	"io"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// SetAvatar makes the caller's avatar of the image that r gives: at most define.AvatarPixels on its longer side, turned
// as its EXIF says and without metadata. Refusals: ErrNoAvatar for anything but PNG, JPEG, GIF and WebP, and those of
// Files.Upload.
func (s *Accounts) SetAvatar(ctx context.Context, c Caller, r io.Reader) (Me, error) {
	end, err := s.beginUpload(c.User)
	if err != nil {
		return Me{}, err
	}
	defer end()
	user, err := s.store.Users.Get(ctx, c.User)
	if err != nil {
		return Me{}, notFound(err, define.ErrUserNotFound)
	}
	whole, err := s.keep(ctx, models.File{UserIdentity: c.User, Name: "avatar"}, r)
	if err != nil {
		return Me{}, err
	}
	defer s.collectAll(ctx, []string{whole.Identity}) // only the small one is needed
	avatar, err := s.scaleAvatar(ctx, whole.Identity, c.User)
	if err != nil {
		return Me{}, err
	}
	return s.replaceAvatar(ctx, &user, models.UserChange{Avatar: &avatar, UpdatedAt: now()})
}

// replaceAvatar changes a user together with his avatar. The old one becomes an orphan first: stopped afterwards, the
// sweep finds that it is still shown.
func (s *Accounts) replaceAvatar(ctx context.Context, user *models.User, change models.UserChange) (Me, error) {
	if err := s.loosenAvatar(ctx, user.Avatar, *change.Avatar); err != nil {
		return Me{}, err
	}
	elsewhere := ""
	change.AvatarAddress = &elsewhere
	return s.change(ctx, user.Identity, change)
}

// updateAvatar changes what the caller says of himself together with his avatar.
func (s *Accounts) updateAvatar(ctx context.Context, c Caller, file string, change models.UserChange) (Me, error) {
	user, err := s.store.Users.Get(ctx, c.User)
	if err != nil {
		return Me{}, notFound(err, define.ErrUserNotFound)
	}
	avatar, err := s.avatarFrom(ctx, c, c.User, file, user.Avatar)
	if err != nil {
		return Me{}, err
	}
	change.Avatar = &avatar
	return s.replaceAvatar(ctx, &user, change)
}

// removeAvatar makes an orphan of the avatar of a user whose account ends.
func (s *Accounts) removeAvatar(ctx context.Context, user string) error {
	doc, err := s.store.Users.Get(ctx, user)
	if err != nil {
		return notFound(err, define.ErrUserNotFound)
	}
	return s.loosenAvatar(ctx, doc.Avatar, "")
}

// loosenAvatar makes an orphan of an avatar that another takes the place of.
func (c *core) loosenAvatar(ctx context.Context, current, next string) error {
	if current == "" || current == next {
		return nil
	}
	return c.store.Files.Loosen(ctx, []string{current}, now())
}

// avatarFrom makes an avatar, of a user or room, of an image file of the caller's own, and returns its identity. No file
// is no avatar, and the current one stays as it is. Refusals: ErrInvalid, ErrBrokenImage, ErrNoAvatar, ErrRateLimited.
func (c *core) avatarFrom(ctx context.Context, caller Caller, of, file, current string) (string, error) {
	if file == "" || file == current {
		return file, nil
	}
	end, err := c.beginUpload(caller.User)
	if err != nil {
		return "", err
	}
	defer end()
	image, err := c.store.Files.Get(ctx, file)
	if errors.Is(err, models.ErrNotFound) || err == nil && (image.UserIdentity != caller.User || !helper.IsPicture(image.Mime)) {
		return "", define.Invalid("avatar", "is not an image file of yours", "不是您上传的图片")
	}
	if err != nil {
		return "", err
	}
	return c.scaleAvatar(ctx, file, of)
}

// scaleAvatar makes an avatar of a file and returns its identity.
func (c *core) scaleAvatar(ctx context.Context, file, of string) (string, error) {
	image, content, err := c.openFile(ctx, file)
	if err != nil {
		return "", err
	}
	defer content.Close()
	if !helper.IsPicture(image.Mime) {
		return "", define.ErrNoAvatar
	}
	picture, err := c.pictures.Scale(ctx, content, image.Mime, define.AvatarPixels)
	if err != nil {
		return "", err
	}
	if picture.Data == nil {
		return "", define.ErrNoAvatar
	}
	avatar, err := c.keep(ctx, models.File{UserIdentity: image.UserIdentity, Name: "avatar", AvatarOf: of}, bytes.NewReader(picture.Data))
	return avatar.Identity, err
}
