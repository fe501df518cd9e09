package service

import (
	"bytes"
	"encoding/json"
	"testing"

	"parlor/define"
	"parlor/helper"
)

// What gets through as a signal is one object of a bounded size, whatever a client sends.
func FuzzSignal(f *testing.F) {
	for _, text := range []string{
		`{"call":"c","to":"u","candidate":{}}`, `{"call":"c","to":"u","description":{"sdp":"v=0"}}`, `{"call":"c","to":"u","candidate": null}`,
		`{"call":"c","to":"u","candidate":[],"description":{}}`, `{"call":"","to":"u","candidate":{}}`, `{"call":"c","to":"u","candidate" : { } }`, `[]`, `{`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var in CallSignalInput
		if helper.DecodeJSON(text, &in) != nil || checkSignal(in) != nil {
			return
		}
		var signals []json.RawMessage
		for _, one := range []json.RawMessage{in.Description, in.Candidate} {
			if len(one) > 0 && !bytes.Equal(one, []byte("null")) {
				signals = append(signals, one)
			}
		}
		var object map[string]any
		if len(signals) != 1 || json.Unmarshal(signals[0], &object) != nil || len(signals[0]) > define.DescriptionMax || len(in.Candidate) > define.CandidateMax {
			t.Errorf("%s is taken for a signal", text)
		}
		if in.Call == "" || in.To == "" {
			t.Errorf("%s is for nobody", text)
		}
	})
}
