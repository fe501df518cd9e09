package router_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parlor/define"
)

// Recorded conversations: what the clients of the original systems said, what the originals answered, and whether
// Parlor answers the same. testdata/recorded/<face>_<subject>.json holds one conversation each.
//
// To write one, write its head and its steps, without what comes of them, and record:
//
//	{"system": "chat, as published", "commit": "78438de", "recorded": "", "steps": [
//	  {"name": "alice registers", "as": "alice", "method": "POST", "path": "/register", "json": {"account": "alice", …}},
//	  {"name": "she logs in", "as": "alice", "method": "POST", "path": "/login", "json": {…}, "save": {"alice.token": "answer.data.token"}},
//	  {"name": "her socket", "as": "alice", "open": "/websocket/message", "header": {"Authorization": "{alice.token}"}},
//	  {"name": "she speaks", "as": "alice", "send": {"message": "hello"}},
//	  {"name": "she leaves", "as": "alice", "close": true}]}
//
//	RECORD_CLASSIC=http://127.0.0.1:8000 go test ./router -run TestRecorded/classic/accounts
//
// This runs the steps against the original, which should know nobody yet, and writes what came of them into the file.
// Where RECORD_RESET is set, it is a command that makes the original forget everybody, run before each conversation.
// Without RECORD_…, the steps run against a Parlor of their own, and everything must be as it was recorded.
//
// A step is a call (method, path, query, header, and json, form, multipart or text as its body), or open, send (JSON; text
// as it stands) or close of a socket. A socket has the name of its actor unless the step says another: "socket":
// "alice-tablet", without dots. An actor keeps cookies. recordedStep has all fields.
//
//   - {name} puts in what an earlier step saved; where it is a whole string of JSON, with its type. Paths to save begin
//     with answer, or frames: "frames.alice.-1.msg_id" is of the last frame that alice heard in this step.
//     {repeat:a*1001} is a long text. A face has functions of its own (values of recordedFace).
//   - ids, times and so on are compared as the masks of the face say: an id must stand for the same thing in the whole
//     conversation, in both directions. 0, negative numbers and "" stand for no id: they are never masked.
//   - "unordered": ["answer.users"] are lists that come in any order. It may also stand in the head, for all steps.
//   - "differs": {"answer.info": {"here": "…", "why": "…"}} is a difference that must stay. "absent": true instead of
//     "here" says that there is nothing here. It must differ indeed, and the words of "why" must stand in the section of
//     the face in docs/faces.md. In paths, * is any one name or place. In "here", "<any>", "<number>" and "<text>" are
//     what they say, {name} works, and "<recorded 1>" is what was recorded as member 1 of what the path leads to,
//     compared as ever: so "frames.alice": {"here": ["<recorded 0>", {"function": "more"}, "<recorded 1>"]} allows a frame
//     between two. In the head, it holds for all steps and must differ in one at least. A status, a type and frames
//     differ each on their own path: "status", "frames.alice".
//   - "only": "here" (or "there"), with a "why", is a step that the other side does not need. Of one that is only here, what
//     it lists is written by hand, in the words of "here", and compared; frames always are.
//   - "closed": {"alice": 1011} was recorded where the server closed a socket.
//
// A replay reads as many frames as are expected and sleeps never: before the next step, what a socket has sent was served,
// and what must be heard was heard. That nothing else came is seen at the end: the server stops, and what the sockets hear
// until then must be nothing.
func TestRecorded(t *testing.T) {
	t.Parallel()
	for name, face := range recordedFaces() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob("testdata/recorded/" + name + "_*.json")
			must(t, err)
			original := os.Getenv("RECORD_" + strings.ToUpper(name))
			for _, file := range files {
				subject := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), name+"_"), ".json")
				t.Run(subject, func(t *testing.T) {
					c, err := readConversation(file)
					must(t, err)
					if original != "" {
						record(t, original, face, c)
						c.Recorded = time.Now().Format(time.DateOnly)
						must(t, c.write(file))
						return
					}
					t.Parallel()
					must(t, c.check(name))
					for _, difference := range replay(t, face, c) {
						t.Error(difference)
					}
				})
			}
		})
	}
}

// recordedFace is what the conversations with one system have in common.
type recordedFace struct {
	masks
	values    map[string]func(argument string) string // computed by clients
	configure func(*define.Config)                    // how Parlor is set up for these clients
}

func recordedFaces() map[string]recordedFace {
	return map[string]recordedFace{
		"classic": recordedClassic(), "cotalk": recordedCotalk(), "instant": recordedInstant(), "usersig": recordedUsersig(),
	}
}

// check finds what is wrong with a conversation itself.
func (c *conversation) check(face string) (failed error) {
	reasons := map[string]string{}
	for path, d := range c.Differs {
		reasons[path] = d.Why
	}
	for _, step := range c.Steps {
		for path, d := range step.Differs {
			reasons[step.Name+": "+path] = d.Why
		}
		if step.Only != "" {
			reasons[step.Name] = step.Why
		}
		if step.Status == 0 && step.Method != "" && step.Only == "" {
			failed = errors.Join(failed, errors.New(step.Name+": was never recorded"))
		}
	}
	for what, why := range reasons {
		if ok, err := documented(face, why); err != nil || !ok {
			failed = errors.Join(failed, err, errors.New(what+": docs/faces.md does not say: "+why))
		}
	}
	return failed
}
