package helper

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"parlor/define"
)

// translationService is an HTTP service that speaks LibreTranslate's POST /translate: https://docs.libretranslate.com
type translationService struct{ *remote }

func newTranslationService(config define.TranslationConfig) translationService {
	return translationService{newRemote(config.URL, config.Key)}
}

type translationRequest struct {
	Q      string `json:"q"`
	Source string `json:"source"`
	Target string `json:"target"`
	Format string `json:"format"`
	APIKey string `json:"api_key,omitempty"`
}

func (t translationService) translate(ctx context.Context, text, from, to string) (Translated, error) {
	body, err := json.Marshal(translationRequest{Q: text, Source: cmp.Or(from, "auto"), Target: to, Format: "text", APIKey: t.key})
	if err != nil {
		return Translated{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/translate", bytes.NewReader(body))
	if err != nil {
		return Translated{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	var answer struct {
		TranslatedText   *string `json:"translatedText"`
		DetectedLanguage struct {
			Language string `json:"language"`
		} `json:"detectedLanguage"`
	}
	err = t.ask(request, &answer, text)
	if refused := (*refusedError)(nil); errors.As(err, &refused) && refused.status == http.StatusBadRequest {
		return Translated{}, cmp.Or(t.unsupported(ctx, from, to), err)
	}
	if err == nil && answer.TranslatedText == nil {
		err = errors.New("the answer has no translatedText")
	}
	if err != nil {
		return Translated{}, err
	}
	return Translated{Text: *answer.TranslatedText, From: answer.DetectedLanguage.Language}, nil
}

// unsupported asks the service which languages it knows, and returns the refusal of one that it does not know: the status
// 400 alone stands for other things as well. It is nil where nothing is wrong with the languages, or nobody knows.
func (t translationService) unsupported(ctx context.Context, from, to string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+"/languages", nil)
	if err != nil {
		return nil
	}
	var known []struct {
		Code    string   `json:"code"`
		Targets []string `json:"targets"`
	}
	if t.ask(request, &known) != nil {
		return nil // the caller has a reason to report already
	}
	var pairs languagePairs
	for _, source := range known {
		for _, target := range source.Targets {
			pairs = append(pairs, languagePair{source.Code, target})
		}
	}
	return pairs.check(from, to)
}

func (t translationService) detects() bool { return true }

func (t translationService) close() { t.remote.close() }
