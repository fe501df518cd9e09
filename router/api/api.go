// Package api is the native REST API, /api/v1. A handler parses the request, calls one method of a service and writes
// what it answers.
package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/service"
)

// asker returns what every call of a service begins with: the context of the request and who asks.
func asker(c *gin.Context) (context.Context, service.Caller) {
	return middleware.ContextOf(c), middleware.CallerOf(c)
}

// decodeBody reads the JSON body into v. JSONBody has bounded it.
func decodeBody(c *gin.Context, v any) error {
	data, err := io.ReadAll(c.Request.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return define.ErrTooLarge.With(err)
	}
	if err != nil {
		return define.ErrMalformed.With(err)
	}
	return helper.DecodeJSON(data, v)
}

// pathParam returns a part of the path. The router matches the escaped path, so that a slash in a name stays in the name.
func pathParam(c *gin.Context, name string) string {
	value, err := url.PathUnescape(c.Param(name))
	if err != nil {
		return c.Param(name)
	}
	return value
}

// ok writes a service's answer with status 200.
func ok(c *gin.Context) func(any, error) error { return reply(c, http.StatusOK) }

// created writes a service's answer with status 201.
func created(c *gin.Context) func(any, error) error { return reply(c, http.StatusCreated) }

func reply(c *gin.Context, status int) func(any, error) error {
	return func(answer any, err error) error {
		if err != nil {
			return err
		}
		c.PureJSON(status, answer)
		return nil
	}
}

// accepted answers 202 unless there is an error.
func accepted(c *gin.Context, err error) error {
	if err != nil {
		return err
	}
	c.Status(http.StatusAccepted)
	return nil
}

// noContent answers 204 unless there is an error.
func noContent(c *gin.Context, err error) error {
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}
