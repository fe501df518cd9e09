package instant

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/middleware"
)

// The codes of answers that stand for the same thing in every call.
const (
	codeOther     = -1
	codeBadMethod = -3
)

const infoOther = "Unexpected error"

// outcome is what every answer of a call says: 0 is success.
type outcome struct {
	Code int    `json:"code"`
	Info string `json:"info"`
}

func done(info string) outcome { return outcome{0, info} }

func refused(code int, info string) outcome { return outcome{code, info} }

// refusedBy words a refusal for which a call has no words of its own.
func refusedBy(c *gin.Context, refusal *define.Error) outcome {
	return refused(codeOther, worded(refusal, middleware.Language(c.GetHeader("Accept-Language"))))
}

// as gives an expected error the code and the words that a call has for it. Any other error stays an error.
func as(err, expected error, code int, info string) (any, error) {
	if errors.Is(err, expected) {
		return refused(code, info), nil
	}
	return nil, err
}

// refusal reports whether an error is something that the caller was refused, and not our fault.
func refusal(err error) bool {
	_, expected := middleware.Refusal(err)
	return err != nil && expected
}

// fieldNames are those of fields that the core calls otherwise.
var fieldNames = map[string]string{"data": "msg_body", "group": "fgroup_name"}

// worded says what was refused, and of which field.
func worded(refusal *define.Error, language string) string {
	text := refusal.Text.In(language)
	for _, name := range slices.Sorted(maps.Keys(refusal.Fields)) {
		text += " (" + cmp.Or(fieldNames[name], name) + ": " + strings.TrimSpace(strings.TrimPrefix(refusal.Fields[name].In(language), name)) + ")"
	}
	return text
}
