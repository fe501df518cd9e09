package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

type words interface {
	Transcribe(ctx context.Context, c service.Caller, message int64) (service.Transcription, error)
	TranslateMessage(ctx context.Context, c service.Caller, message int64, in service.MessageTranslationInput) (service.Translation, error)
	Translate(ctx context.Context, c service.Caller, in service.TranslationInput) (service.Translation, error)
}

// Words serves what is said, in writing and in other languages.
type Words struct{ Service words }

// Transcribe answers POST /messages/{id}/transcription.
func (h Words) Transcribe(c *gin.Context) error {
	id, err := messageParam(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Transcribe(ctx, me, id))
}

// TranslateMessage answers POST /messages/{id}/translation.
func (h Words) TranslateMessage(c *gin.Context) error {
	id, err := messageParam(c)
	if err != nil {
		return err
	}
	var in service.MessageTranslationInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.TranslateMessage(ctx, me, id, in))
}

// Translate answers POST /translations.
func (h Words) Translate(c *gin.Context) error {
	var in service.TranslationInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Translate(ctx, me, in))
}
