package usersig

import (
	"bytes"
	"encoding/json"

	"parlor/define"
	"parlor/router/plaintext"
	"parlor/service"
)

// parseContent makes of a content, which is any JSON, what the core stores of it: of a string its text, of anything else
// its JSON, said to be so. The empty string is stored as JSON too, since the core has no empty texts.
func parseContent(content json.RawMessage) (data, format string, err error) {
	if len(content) == 0 || bytes.Equal(content, []byte("null")) {
		return "", "", define.Invalid("content", "is required", "不能为空")
	}
	var text string
	if content[0] == '"' {
		err = json.Unmarshal(content, &text)
		if text != "" || err != nil {
			return text, "", err
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, content); err != nil {
		return "", "", define.ErrMalformed.With(err)
	}
	return compact.String(), define.FormatJSON, nil
}

// contentOf is the content of a message: what parseContent took, and words for what other ways in have sent, in which a
// file goes by its address.
func contentOf(m *service.Message, address func(*service.File) string) any {
	if m.Format == define.FormatJSON && m.RecalledAt == 0 && m.Type == define.MessageText {
		return json.RawMessage(m.Data)
	}
	return plaintext.Message(*m, address)
}
