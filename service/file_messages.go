package service

import (
	"context"
	"errors"
	"slices"
	"strings"

	"parlor/define"
	"parlor/models"
)

// messageType returns the type of a message with a file of this media type where its sender names none.
func messageType(mime string) string {
	switch kind, _, _ := strings.Cut(mime, "/"); kind {
	case "image":
		return define.MessageImage
	case "audio":
		return define.MessageAudio
	case "video":
		return define.MessageVideo
	}
	return define.MessageFile
}

// attach puts the file that a send names into its message. The file is not held yet.
func (s *Messages) attach(ctx context.Context, c Caller, in MessageInput, m *models.Message) error {
	file, err := s.store.Files.Get(ctx, in.File)
	if errors.Is(err, models.ErrNotFound) || err == nil && (file.UserIdentity != c.User || file.Mime == "") {
		return define.ErrNotYourFile
	}
	if err != nil {
		return err
	}
	switch fitting := messageType(file.Mime); in.Type {
	case "":
		m.Type = fitting
	case define.MessageFile, fitting:
		m.Type = in.Type
	case define.MessageText:
		return define.Invalid("type", "must be image, audio, video or file, since there is a file", "带文件的消息类型必须是 image、audio、video 或 file")
	default:
		return define.Invalid("file", "does not fit the type of the message: it is "+file.Mime, "文件与消息类型不符："+file.Mime)
	}
	m.File, m.Files = file.Copy(), []string{file.Identity}
	return nil
}

// hold keeps the files of messages that are about to be stored from being collected; the writer releases them.
// models.ErrNotFound where one of them is gone.
func (c *core) hold(ctx context.Context, messages ...*models.Message) error {
	return c.store.Files.Hold(ctx, filesIn(messages), now())
}

// filesIn counts in how many of the messages each file stands.
func filesIn(messages []*models.Message) map[string]int {
	var times map[string]int
	for _, m := range messages {
		for _, file := range m.Files {
			if times == nil {
				times = map[string]int{}
			}
			times[file]++
		}
	}
	return times
}

// mergedFiles returns the files of all messages that are merged into one, each once.
func mergedFiles(originals []models.Message) []string {
	var files []string
	for i := range originals {
		files = append(files, originals[i].Files...)
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// viewOfCopy shows the file of a message, nil where it has none.
func viewOfCopy(file *models.FileCopy) *File {
	if file == nil {
		return nil
	}
	view := fileView(file)
	return &view
}
