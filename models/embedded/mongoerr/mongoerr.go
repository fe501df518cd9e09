// Package mongoerr names the errors that a MongoDB server answers commands with.
package mongoerr

import (
	"errors"
	"fmt"
)

// Error is a failed command or write as a client sees it: the number and the
// name of the code are mongod's, the message is shown to the user.
type Error struct {
	Code    int32
	Name    string
	Message string
	// Info is the document that the reply shows as errInfo, nil without one.
	Info []byte
}

// Error gives the message with the name and number of the code.
func (e *Error) Error() string {
	return fmt.Sprintf("%s (%d): %s", e.Name, e.Code, e.Message)
}

// New builds an error with a code and a name of the caller's choice. For
// mongod's own codes Code.Errorf finds the name.
func New(code int32, name, format string, args ...any) *Error {
	return &Error{Code: code, Name: name, Message: fmt.Sprintf(format, args...)}
}

// From gives the Error within err, or an InternalError with err's text.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return InternalError.Errorf("%s", err)
}

// Is reports whether err is, or wraps, an Error with this code.
func Is(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == int32(code)
}
