package helper

import (
	"io"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// MediaType returns the media type of a content by its first bytes, without parameters: application/octet-stream where
// they tell nothing.
func MediaType(r io.Reader) (string, error) {
	kind, err := mimetype.DetectReader(r)
	if err != nil {
		return "", err
	}
	media, _, _ := strings.Cut(kind.String(), ";")
	return media, nil
}
