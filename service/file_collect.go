package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"parlor/models"
)

const (
	sweepEvery = time.Hour
	sweepPage  = 200
	sweepTime  = 10 * time.Minute // for one sweep
	// strayAfter is far more than an upload may take: what is stray for so long belongs to nothing, or to a blob.
	strayAfter = 4 * time.Hour
	// heldMax is far more than a send may wait for the writer: a hold that is older was left by a crash.
	heldMax = 10 * time.Minute
	// longAgo is since when a file that was recalled is loose: the next sweep takes what could not be taken at once.
	longAgo = 1
)

// Sweep deletes, as of a moment, the files that nothing has needed since the configured time before it, and the contents
// that uploads and deletions which were stopped halfway have left behind. Nodes may sweep at the same moment. A moment in the
// future would take what is being uploaded for left behind.
func (s *Files) Sweep(ctx context.Context, at time.Time) error {
	orphaned := at.Add(-s.config.Files.OrphanAfter).UnixMilli()
	files := func() ([]models.File, error) { return s.store.Files.Loose(ctx, orphaned, sweepPage) }
	left := at.Add(-strayAfter).UnixMilli()
	strays := func() ([]string, error) { return s.store.Contents.Strays(ctx, left, sweepPage) }
	return errors.Join(
		sweepAll(files, func(file models.File) (bool, error) { return s.collect(ctx, file.Identity, at.UnixMilli()) }),
		sweepAll(strays, func(content string) (bool, error) { return true, s.collectStray(ctx, content, left) }),
	)
}

// sweepAll settles page after page, until there are no more or none of a page could be settled.
func sweepAll[T any](next func() ([]T, error), settle func(T) (bool, error)) error {
	for {
		page, err := next()
		if err != nil {
			return err
		}
		settled := 0
		for _, one := range page {
			done, failed := settle(one)
			if err = errors.Join(err, failed); done && failed == nil {
				settled++
			}
		}
		if err != nil || len(page) < sweepPage || settled == 0 {
			return err
		}
	}
}

// collect deletes, as of a moment, a file that nothing needs, and its content with the last file that shares it; done is
// false where somebody is about to send it.
//
// Whoever is about to store a message with the file has held it before: either the hold is seen here, or the message, or
// the hold makes Delete fail. The content is stray before the file goes, so that it is found where this stops halfway.
func (c *core) collect(ctx context.Context, identity string, at int64) (done bool, err error) {
	file, err := c.store.Files.Get(ctx, identity)
	if err != nil {
		return true, notFound(err, nil)
	}
	if file.Released < file.Held && file.HeldAt > at-heldMax.Milliseconds() {
		return false, nil
	}
	needed, err := c.needed(ctx, &file)
	if err != nil {
		return false, err
	}
	if needed {
		return true, c.store.Files.Fasten(ctx, &file)
	}
	blob, err := c.store.Blobs.Get(ctx, file.SHA256)
	if err == nil {
		err = c.store.Contents.Forsake(ctx, blob.Contents(), now())
	}
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return false, err
	}
	if deleted, err := c.store.Files.Delete(ctx, &file); err != nil || !deleted {
		return false, err
	}
	return true, c.collectBlob(ctx, file.SHA256)
}

// needed reports whether a file stands in a message or is shown as an avatar.
func (c *core) needed(ctx context.Context, file *models.File) (bool, error) {
	if sent, err := c.store.Messages.HasFile(ctx, file.Identity); sent || err != nil || file.AvatarOf == "" {
		return sent, err
	}
	user, err := c.store.Users.Get(ctx, file.AvatarOf)
	if !errors.Is(err, models.ErrNotFound) {
		return user.Avatar == file.Identity, err
	}
	room, err := c.store.Rooms.Get(ctx, file.AvatarOf)
	return room.Avatar == file.Identity, notFound(err, nil)
}

// collectBlob deletes a blob that no file shares. Its contents are stray already.
func (c *core) collectBlob(ctx context.Context, sha256 string) error {
	blob, err := c.store.Blobs.Get(ctx, sha256)
	if err != nil {
		return notFound(err, nil)
	}
	if shared, err := c.store.Files.Shared(ctx, sha256); shared || err != nil {
		return err
	}
	if deleted, err := c.store.Blobs.Delete(ctx, &blob); err != nil || !deleted {
		return err
	}
	return c.store.Contents.Remove(ctx, blob.Contents())
}

// collectStray deletes a content that was stray before a moment unless a blob refers to it that a file shares.
func (c *core) collectStray(ctx context.Context, content string, before int64) error {
	blob, err := c.store.Blobs.ByContent(ctx, content)
	if err == nil {
		if err := c.collectBlob(ctx, blob.SHA256); err != nil {
			return err
		}
		blob, err = c.store.Blobs.ByContent(ctx, content)
	}
	if errors.Is(err, models.ErrNotFound) {
		return c.store.Contents.Remove(ctx, []string{content})
	}
	if err != nil {
		return err
	}
	return c.store.Contents.KeepOld(ctx, blob.Contents(), before)
}

// collectAll deletes those of the files that nothing needs any more. They are loose: what fails here the sweep does.
func (c *core) collectAll(ctx context.Context, files []string) {
	for _, file := range files {
		if _, err := c.collect(ctx, file, now()); err != nil {
			c.log.Warn("a file that nobody needs is left to the sweep", "file", file, "error", err)
		}
	}
}

// sweeper sweeps from time to time.
type sweeper struct {
	files *Files
	quit  context.CancelFunc
	done  sync.WaitGroup
}

func (s *sweeper) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.quit = cancel
	s.done.Go(func() { s.run(ctx) })
}

// stop ends a sweep that is under way.
func (s *sweeper) stop() {
	if s.quit != nil {
		s.quit()
	}
	s.done.Wait()
}

func (s *sweeper) run(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		s.sweep(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *sweeper) sweep(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	if err := s.files.Sweep(bounded, time.Now()); err != nil && ctx.Err() == nil {
		s.files.log.Warn("files that nobody needs are left to the next sweep", "error", err)
	}
}
