package router_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// Conversations that are altered on purpose: each alteration must be seen.
func TestRecordedConversationsThatDiffer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		alter func(t *testing.T, c *conversation)
		found string // words of the only difference that is reported
	}{
		{"nothing", func(*testing.T, *conversation) {}, ""},
		{"a field of an answer", func(t *testing.T, c *conversation) {
			c.listed(t, "everything", 1)["Data"] = "something else"
		}, "everything: answer.data.1.Data: "},
		{"whose a message is", func(t *testing.T, c *conversation) {
			c.listed(t, "everything", 0)["UserIdentity"] = c.listed(t, "everything", 1)["UserIdentity"]
		}, "everything: answer.data.0.UserIdentity: "},
		{"which message it is", func(t *testing.T, c *conversation) {
			c.listed(t, "the second page", 0)["Identity"] = c.listed(t, "everything", 0)["Identity"]
		}, "the second page: answer.data.0.Identity: "},
		{"a field more", func(t *testing.T, c *conversation) {
			c.listed(t, "the first page", 0)["Sender"] = nil
		}, "the first page: answer.data.0.Sender: nothing, recorded null"},
		{"a status", func(t *testing.T, c *conversation) {
			c.step(t, "an empty room").Status = 404
		}, "an empty room: status: 200, recorded 404"},
		{"a type", func(t *testing.T, c *conversation) {
			c.step(t, "an empty room").Type = "text/plain"
		}, "an empty room: type: "},
		{"a frame", func(t *testing.T, c *conversation) {
			c.step(t, "alice says something").Frames["bob"][0].(map[string]any)["message"] = "hallo"
		}, "alice says something: frames.bob.0.message: "},
		{"a frame less at the end", func(t *testing.T, c *conversation) {
			step := c.step(t, "alice says something to both sockets of bob")
			delete(step.Frames, "alice")
		}, "alice heard more: "},
		{"an allowed difference", func(t *testing.T, c *conversation) {
			c.step(t, "alice adds bob").Differs["answer.data"] = deliberate{Here: json.RawMessage(`"no"`)}
		}, "alice adds bob: answer.data: "},
		{"a difference that is none", func(t *testing.T, c *conversation) {
			c.step(t, "an empty room").Differs = map[string]deliberate{"answer.data": {Here: json.RawMessage(`[]`)}}
		}, "an empty room: answer.data does not differ"},
		{"a difference that is nowhere", func(_ *testing.T, c *conversation) {
			c.Differs["answer.nothing"] = deliberate{Here: json.RawMessage(`1`)}
		}, "answer.nothing differs in no step"},
		{"what is only here", func(t *testing.T, c *conversation) {
			c.step(t, "bob adds alice").Answer.(map[string]any)["data"] = "no"
		}, "bob adds alice: answer.data: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := readConversation("testdata/recorded/classic_messages.json")
			must(t, err)
			test.alter(t, c)
			found := slices.Compact(replay(t, recordedClassic(), c))
			for _, difference := range found {
				if test.found == "" || !strings.Contains(difference, test.found) {
					t.Errorf("also found: %s", difference)
				}
			}
			if test.found != "" && len(found) == 0 {
				t.Errorf("nothing was found, want %q", test.found)
			}
		})
	}
}

// A reason must be written down.
func TestRecordedReasons(t *testing.T) {
	t.Parallel()
	for why, ok := range map[string]bool{
		"one socket a user": true, "passwords of any length, kept as MD5": true, "because": false, "": false,
		"uploads without a session": false, // that is another face's
	} {
		c := &conversation{Steps: []*recordedStep{{Name: "a step", Differs: map[string]deliberate{"status": {Why: why}}}}}
		if err := c.check("classic"); (err == nil) != ok {
			t.Errorf("%q: %v", why, err)
		}
	}
}

func (c *conversation) step(t *testing.T, name string) *recordedStep {
	t.Helper()
	i := slices.IndexFunc(c.Steps, func(step *recordedStep) bool { return step.Name == name })
	if i < 0 {
		t.Fatalf("there is no step %q", name)
	}
	return c.Steps[i]
}

// listed is a message of an answer of classic.
func (c *conversation) listed(t *testing.T, step string, i int) map[string]any {
	t.Helper()
	return c.step(t, step).Answer.(map[string]any)["data"].([]any)[i].(map[string]any)
}
