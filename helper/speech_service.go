package helper

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"parlor/define"
)

// speechService is an HTTP service that speaks OpenAI's POST /v1/audio/transcriptions, as whisper servers do:
// https://platform.openai.com/docs/api-reference/audio/createTranscription
type speechService struct {
	*remote
	fields [][2]string // what goes with each recording
}

func newSpeechService(config define.SpeechConfig) *speechService {
	s := &speechService{remote: newRemote(config.URL, config.Key)}
	for _, field := range [][2]string{{"model", config.Model}, {"language", config.Language}, {"response_format", config.ResponseFormat}} {
		if field[1] != "" {
			s.fields = append(s.fields, field)
		}
	}
	return s
}

func (s *speechService) recognize(ctx context.Context, r Recording) (Transcript, error) {
	request, err := s.request(ctx, r)
	if err != nil {
		return Transcript{}, err
	}
	var answer struct {
		Text     *string `json:"text"`
		Language string  `json:"language"`
	}
	if err := s.ask(request, &answer); err != nil {
		return Transcript{}, err
	}
	if answer.Text == nil {
		return Transcript{}, errors.New("the answer has no text")
	}
	return Transcript{Text: *answer.Text, Language: spokenLanguage(answer.Language)}, nil
}

// request streams the recording between the two ends of its form. Its length is known, for not every service takes a body
// without one.
func (s *speechService) request(ctx context.Context, r Recording) (*http.Request, error) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	var errs []error
	for _, field := range s.fields {
		errs = append(errs, w.WriteField(field[0], field[1]))
	}
	_, err := w.CreateFormFile("file", r.Name)
	begin := form.Len()
	if err := errors.Join(append(errs, err, w.Close())...); err != nil {
		return nil, err
	}
	before, after := form.Bytes()[:begin], form.Bytes()[begin:]
	body := io.MultiReader(bytes.NewReader(before), io.LimitReader(r.Audio, r.Size), bytes.NewReader(after))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/audio/transcriptions", body)
	if err != nil {
		return nil, err
	}
	request.ContentLength = int64(form.Len()) + r.Size
	request.Header.Set("Content-Type", w.FormDataContentType())
	if s.key != "" {
		request.Header.Set("Authorization", "Bearer "+s.key)
	}
	return request, nil
}
