package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// How files are kept so that equal contents are kept once, without transactions, on any number of nodes:
//
//   - A new content is stray from before its first byte until a blob refers to it (models.Contents).
//   - The file is inserted BEFORE it is looked for a blob of the same content, and coming to share one counts as a use
//     of it. Whoever deletes a blob reads it, then looks for files with its content, then deletes it only where it was
//     not used since: either he sees the file, or the use stops him, or the blob is gone before the file asks for it,
//     which then brings its own.
//   - Nobody learns of a file before it is complete. Stopped on the way, it is an orphan like any other, and its content
//     is stray: the sweep takes both.

// keep makes a file of what r gives until its end.
func (c *core) keep(ctx context.Context, file models.File, r io.Reader) (models.File, error) {
	content := helper.NewIdentity()
	hash := sha256.New()
	bounded := &boundedReader{r: r, left: int64(c.config.Files.MaxSize), limit: int64(c.config.Files.MaxSize)}
	size, err := c.store.Contents.Write(ctx, content, io.TeeReader(bounded, hash))
	if err == nil && size == 0 {
		err = define.Invalid("file", "is empty", "文件为空")
	}
	if err != nil {
		c.discard(ctx, content)
		return file, err
	}
	file = newFile(file)
	file.Size, file.SHA256 = size, hex.EncodeToString(hash.Sum(nil))
	if err := c.store.Files.Insert(ctx, &file); err != nil {
		c.discard(ctx, content)
		return file, err
	}
	blob, err := c.share(ctx, &file, content)
	if err != nil {
		_, failed := c.store.Files.Delete(ctx, &file)
		return file, errors.Join(err, failed)
	}
	return c.store.Files.Complete(ctx, file.Identity, blob.Facts)
}

// share returns the blob of a file: one that holds the same content already, or a new one of the content that was stored for it.
func (c *core) share(ctx context.Context, file *models.File, content string) (models.Blob, error) {
	var fresh *models.Blob
	for {
		blob, err := c.store.Blobs.Use(ctx, file.SHA256)
		if err == nil {
			if fresh != nil {
				c.discard(ctx, fresh.Contents()...)
			} else {
				c.discard(ctx, content)
			}
			return blob, nil
		}
		if !errors.Is(err, models.ErrNotFound) {
			return blob, err
		}
		if fresh == nil {
			if fresh, err = c.newBlob(ctx, file, content); err != nil {
				c.discard(ctx, content)
				return blob, err
			}
		}
		err = c.store.Blobs.Insert(ctx, fresh)
		if errors.Is(err, models.ErrDuplicate) {
			continue // another upload of the same content was faster
		}
		if err != nil {
			return *fresh, err // the blob may be stored: the sweep finds out
		}
		if err := c.store.Contents.Keep(ctx, fresh.Contents()); err != nil {
			c.log.Warn("a content is taken for stray until the sweep", "error", err)
		}
		return *fresh, nil
	}
}

// newBlob finds out what a content is, and makes its small picture.
func (c *core) newBlob(ctx context.Context, file *models.File, content string) (*models.Blob, error) {
	blob := &models.Blob{SHA256: file.SHA256, Size: file.Size, Content: content, Uses: 1, CreatedAt: now()}
	r, err := c.store.Contents.Open(ctx, content)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if blob.Mime, err = helper.MediaType(r); err != nil {
		return nil, err
	}
	if !helper.IsPicture(blob.Mime) {
		media, err := helper.ReadMedia(r, file.Size, blob.Mime)
		blob.Mime, blob.Width, blob.Height, blob.Duration = media.Mime, media.Width, media.Height, media.Duration
		return blob, err
	}
	picture, err := c.pictures.Scale(ctx, r, blob.Mime, define.ThumbPixels)
	if err != nil {
		return nil, err
	}
	blob.Width, blob.Height = picture.Width, picture.Height
	if picture.Data == nil {
		return blob, nil
	}
	blob.Thumb, blob.Small, blob.SmallMime = true, helper.NewIdentity(), picture.Mime
	if blob.SmallSize, err = c.store.Contents.Write(ctx, blob.Small, bytes.NewReader(picture.Data)); err != nil {
		c.discard(ctx, blob.Small)
		return nil, err
	}
	return blob, nil
}

// discard removes contents that nothing refers to. Where that fails they are stray, and the sweep takes them.
func (c *core) discard(ctx context.Context, contents ...string) {
	if err := c.store.Contents.Remove(context.WithoutCancel(ctx), contents); err != nil {
		c.log.Warn("a content that nobody needs is left to the sweep", "error", err)
	}
}

// boundedReader refuses to read more than its limit.
type boundedReader struct {
	r           io.Reader
	left, limit int64
}

// Read implements io.Reader.
func (b *boundedReader) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, define.FileTooLarge(b.limit)
	}
	return n, err
}
