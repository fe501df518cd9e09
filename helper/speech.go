package helper

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"parlor/define"
)

// Recording is something said, to be written down.
type Recording struct {
	Name  string // whose ending says what it is, as in "recording.ogg"
	Size  int64  // in bytes
	Audio io.Reader
}

// RecordingName is what providers call a recording of a media type: by its ending they tell how to read it.
func RecordingName(media string) string {
	if kind := mimetype.Lookup(media); kind != nil {
		return "recording" + kind.Extension()
	}
	return "recording"
}

// Transcript is what was said. Language is a BCP 47 code, or empty where nobody knows it.
type Transcript struct{ Text, Language string }

// recognizer is one kind of provider.
type recognizer interface {
	recognize(ctx context.Context, r Recording) (Transcript, error)
	close()
}

// Speech turns speech into text. It may be used by several goroutines.
type Speech struct {
	turns      turns
	language   string     // of what providers name no language for
	recognizer recognizer // nil where none is configured
}

// NewSpeech returns what config describes. A command finds each recording in the directory dir, which is emptied first:
// a killed process may have left some there.
func NewSpeech(config define.SpeechConfig, dir string) (*Speech, error) {
	s := &Speech{turns: newTurns(config.Parallel, config.Timeout), language: config.Language}
	var err error
	switch config.Provider {
	case define.ProviderHTTP:
		s.recognizer = newSpeechService(config)
	case define.ProviderCommand:
		s.recognizer, err = newSpeechCommand(config.Command, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("speech.command: %w", err)
	}
	return s, nil
}

// Transcribe writes down what is said in a recording; nothing at all gives an empty text. Errors: define.ErrNoSpeech where
// nothing is configured; any other is the provider's failure, in words for the log.
func (s *Speech) Transcribe(ctx context.Context, r Recording) (Transcript, error) {
	if s.recognizer == nil {
		return Transcript{}, define.ErrNoSpeech
	}
	var said Transcript
	err := s.turns.take(ctx, func(ctx context.Context) (err error) {
		said, err = s.recognizer.recognize(ctx, r)
		return err
	})
	if err != nil {
		return Transcript{}, fmt.Errorf("recognise speech: %w", err)
	}
	said.Text = strings.TrimSpace(said.Text)
	if said.Language == "" {
		said.Language = s.language
	}
	return said, nil
}

// Close gives back what is kept open for the next recording.
func (s *Speech) Close() {
	if s.recognizer != nil {
		s.recognizer.close()
	}
}
