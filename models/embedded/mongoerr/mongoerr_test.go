package mongoerr

import (
	"errors"
	"fmt"
	"testing"
)

func TestErrorfNamesTheCode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code Code
		name string
	}{
		{BadValue, "BadValue"},
		{DuplicateKey, "DuplicateKey"},
		{UnrecognizedPipelineStage, "Location40324"},
		{Code(51091), "Location51091"},
	}
	for _, test := range tests {
		err := test.code.Errorf("field %q", "a")
		if err.Code != int32(test.code) || err.Name != test.name || err.Message != `field "a"` {
			t.Errorf("%d: got %+v", test.code, err)
		}
	}
}

func TestIsAndFromLookThroughWrapping(t *testing.T) {
	t.Parallel()
	wrapped := fmt.Errorf("while reading: %w", CursorNotFound.Errorf("cursor id 7 not found"))
	if !Is(wrapped, CursorNotFound) || Is(wrapped, BadValue) || Is(nil, BadValue) {
		t.Error("Is does not tell the code")
	}
	if got := From(wrapped); got.Message != "cursor id 7 not found" {
		t.Errorf("From gives %v", got)
	}
	if got := From(errors.New("disk full")); got.Code != int32(InternalError) || got.Message != "disk full" {
		t.Errorf("From gives %v", got)
	}
}
