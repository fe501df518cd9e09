package service

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// Transcribe returns what is said in a message with sound. The first caller waits for the provider, and it is kept with the
// message for all others. Refusals: ErrMessageNotFound, ErrLocked, ErrRecalled, ErrInvalid where there is nothing to hear,
// ErrRateLimited, ErrNoSpeech, ErrSpeechFailed, ErrStopping.
func (s *Words) Transcribe(ctx context.Context, c Caller, identity int64) (Transcription, error) {
	m, _, err := s.readable(ctx, c, identity)
	switch {
	case err != nil:
		return Transcription{}, err
	case m.RecalledAt > 0:
		return Transcription{}, define.ErrRecalled
	case m.Transcription != nil:
		return Transcription(*m.Transcription), nil
	case !audible(m.File):
		return Transcription{}, define.Invalid("message", "has no sound", "消息中没有语音")
	}
	if err := limit(s.limits.transcribe, c.User); err != nil {
		return Transcription{}, err
	}
	return once(ctx, &s.words, "transcription "+strconv.FormatInt(identity, 10), func(ctx context.Context) (Transcription, error) {
		return s.transcribe(ctx, identity)
	})
}

// TranscribeFile is Transcribe for who knows only the file: it takes the first message with it that the caller can read.
// Refusals: ErrFileNotFound where there is none, and those of Transcribe.
func (s *Words) TranscribeFile(ctx context.Context, c Caller, file string) (Transcription, error) {
	members, err := s.store.UserRooms.ByUser(ctx, c.User)
	if err != nil {
		return Transcription{}, err
	}
	places, err := s.store.Messages.PlacesOfFile(ctx, file, roomsOfMember(members), placesFew)
	if err != nil {
		return Transcription{}, err
	}
	for _, place := range places {
		m, err := s.store.Messages.BySeq(ctx, place.RoomIdentity, place.Seq)
		if err != nil {
			return Transcription{}, notFound(err, define.ErrFileNotFound)
		}
		if m.File == nil || m.File.Identity != file {
			continue // in a forward
		}
		said, err := s.Transcribe(ctx, c, m.Identity)
		if !errors.Is(err, define.ErrMessageNotFound) {
			return said, err
		}
	}
	return Transcription{}, define.ErrFileNotFound
}

func audible(file *models.FileCopy) bool {
	return file != nil && (strings.HasPrefix(file.Mime, "audio/") || strings.HasPrefix(file.Mime, "video/"))
}

// transcribe asks the provider, unless another has been faster since the caller has looked.
func (s *Words) transcribe(ctx context.Context, identity int64) (Transcription, error) {
	m, err := s.store.Messages.Get(ctx, identity)
	switch {
	case err != nil:
		return Transcription{}, notFound(err, define.ErrMessageNotFound)
	case m.RecalledAt > 0:
		return Transcription{}, define.ErrRecalled
	case m.Transcription != nil:
		return Transcription(*m.Transcription), nil
	}
	said, err := s.hear(ctx, m.File)
	if err != nil {
		return Transcription{}, err
	}
	// A recall that came meanwhile wins: nothing is kept, and nobody is told.
	if _, err := s.store.Messages.Transcribe(ctx, identity, models.Transcription(said)); err != nil {
		return Transcription{}, notFound(err, define.ErrRecalled)
	}
	return said, nil
}

func (s *Words) hear(ctx context.Context, of *models.FileCopy) (said Transcription, err error) {
	file, content, err := s.openFile(ctx, of.Identity)
	if err != nil {
		return said, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	recording := helper.Recording{Name: helper.RecordingName(file.Mime), Size: file.Size, Audio: content}
	transcript, err := s.words.speech.Transcribe(s.words.running, recording)
	return Transcription(transcript), s.words.failed(err, define.ErrSpeechFailed)
}
