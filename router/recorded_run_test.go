package router_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parlor/define"
)

// quiet is for how long nothing must come before a step of a recording is over.
const quiet = time.Second

// record runs a conversation against an original and keeps what it answers.
func record(t *testing.T, original string, face recordedFace, c *conversation) {
	t.Helper()
	if command := os.Getenv("RECORD_RESET"); command != "" {
		if out, err := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
	client := newRecordedClient(t, original, face.values)
	for _, step := range c.Steps {
		if step.Only == "here" {
			continue
		}
		result, err := client.do(step)
		if err != nil {
			t.Fatalf("%s: %v", step.Name, err)
		}
		client.overhear(&result)
		value, err := result.value()
		must(t, err)
		if err := client.save(step, value); err != nil {
			t.Fatalf("%s: %v, in %s", step.Name, err, shown(value))
		}
		step.recordedResult = result
	}
}

// overhear adds what the sockets of an original hear until all are quiet.
func (c *recordedClient) overhear(r *recordedResult) {
	r.Closed = map[string]int{}
	for silent := false; !silent && len(c.sockets) > 0; {
		silent = true
		time.Sleep(quiet)
		for name, socket := range c.sockets {
			for more := true; more; {
				select {
				case frame := <-socket.frames:
					r.hear(name, c.heard(frame))
					silent = false
				default:
					more = false
				}
			}
			select {
			case <-socket.ended:
				if len(socket.frames) == 0 {
					r.Closed[name] = closeCode(socket.err)
					delete(c.sockets, name)
				}
			default:
			}
		}
	}
}

// closeCode returns the code with which a socket was closed; 1006 where it was cut off.
func closeCode(err error) int {
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		return closed.Code
	}
	return websocket.CloseAbnormalClosure
}

// replay runs a conversation against a Parlor of its own and returns what is not as it was recorded.
func replay(t *testing.T, face recordedFace, c *conversation) (differences []string) {
	t.Helper()
	config := testConfig(t.TempDir())
	if face.configure != nil {
		face.configure(&config)
	}
	i, err := open(config)
	must(t, err)
	r := &replayer{client: newRecordedClient(t, i.url, face.values), face: face, conversation: c, known: newBindings(), used: map[string]bool{}}
	for _, step := range c.Steps {
		if step.Only == "there" {
			continue
		}
		if err := r.step(step); err != nil { // what follows would make no sense
			r.differences = append(r.differences, fmt.Sprintf("%s: %v", step.Name, err))
			break
		}
	}
	must(t, i.close())
	r.end()
	return r.differences
}

// replayer is a replay under way.
type replayer struct {
	client       *recordedClient
	face         recordedFace
	conversation *conversation
	known        *bindings
	used         map[string]bool // the differences of the conversation's head that were needed
	differences  []string
}

// step does a step and compares what comes of it. An error is something after which the conversation cannot go on.
func (r *replayer) step(step *recordedStep) error {
	result, err := r.client.do(step)
	if err == nil && step.Method == "" {
		err = r.client.settle(step.socket())
	}
	if err != nil {
		return err
	}
	comparison, err := r.comparison(step)
	if err != nil {
		return err
	}
	there, err := step.value()
	if err != nil {
		return err
	}
	if err := r.listen(comparison, there, &result); err != nil {
		r.note(step, shown(result))
		return err
	}
	here, err := result.value()
	if err != nil {
		return err
	}
	if err := r.client.save(step, here); err != nil {
		return errors.Join(err, errors.New(shown(here)))
	}
	r.compare(comparison, step, there, here)
	return nil
}

func (r *replayer) note(step *recordedStep, what string) {
	r.differences = append(r.differences, step.Name+": "+what)
}

// comparison prepares the comparison of a step. Values of this run are put into what is expected here.
func (r *replayer) comparison(step *recordedStep) (*comparison, error) {
	c := &comparison{masks: r.face.masks, known: r.known, differs: map[string]deliberate{}, used: map[string]bool{}}
	c.unordered = append(slices.Clone(step.Unordered), r.conversation.Unordered...)
	for _, all := range []map[string]deliberate{r.conversation.Differs, step.Differs} {
		for path, d := range all {
			if !d.Absent {
				here, err := r.client.values.raw(d.Here)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", path, err)
				}
				d.Here = here
			}
			c.differs[path] = d
		}
	}
	return c, nil
}

// compare notes where what came of a step is not what was recorded, nor what may differ.
func (r *replayer) compare(c *comparison, step *recordedStep, there, here any) {
	if step.Only == "here" {
		r.handwritten(c, step, there, here)
	} else {
		if step.Type == "text/html" {
			there, here = withoutBody(there), withoutBody(here)
		}
		c.value("", there, here)
	}
	for _, found := range c.found {
		r.note(step, found.String())
	}
	for path := range step.Differs {
		if !c.used[path] && len(c.found) == 0 {
			r.note(step, path+" does not differ")
		}
	}
	maps.Copy(r.used, c.used)
}

// handwritten compares what a step that is only here lists.
func (r *replayer) handwritten(c *comparison, step *recordedStep, there, here any) {
	there, err := r.client.values.json(there)
	if err != nil {
		r.note(step, err.Error())
		return
	}
	listed := there.(map[string]any)
	for name, value := range here.(map[string]any) {
		if want, ok := listed[name]; ok {
			c.literal(name, want, absent{}, value)
		}
	}
}

// withoutBody is a result of which nobody reads the page.
func withoutBody(result any) any {
	rest := maps.Clone(result.(map[string]any))
	maps.DeleteFunc(rest, func(name string, _ any) bool { return name == "type" || name == "answer" || name == "size" })
	return rest
}

// listen waits for the frames and closes that are expected.
func (r *replayer) listen(c *comparison, there any, result *recordedResult) error {
	result.Closed = map[string]int{}
	for name, socket := range r.client.sockets {
		frames, _ := c.expected(there, "frames."+name).([]any)
		for range frames {
			frame, err := await(socket)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			result.hear(name, r.client.heard(frame))
		}
		if c.expected(there, "closed."+name) == (absent{}) {
			continue
		}
		select {
		case <-socket.ended:
			result.Closed[name] = closeCode(socket.err)
			delete(r.client.sockets, name)
		case <-time.After(patience):
			return fmt.Errorf("%s was not closed", name)
		}
	}
	return nil
}

// await returns the next frame of a socket.
func await(socket *faceSocket) (string, error) {
	select {
	case frame := <-socket.frames:
		return frame, nil
	case <-socket.ended:
		select {
		case frame := <-socket.frames: // it came before the end
			return frame, nil
		default:
			return "", fmt.Errorf("the socket ended: %w", socket.err)
		}
	case <-time.After(patience):
		return "", errors.New("not all frames came")
	}
}

// expected returns what must stand at a path here.
func (c *comparison) expected(there any, path string) any {
	if _, d, ok := c.deliberate(path); ok {
		return d.wanted()
	}
	value, err := lookUp(there, path)
	if err != nil {
		return absent{}
	}
	return value
}

// end looks at what was left over when the server had stopped.
func (r *replayer) end() {
	for name, socket := range r.client.sockets {
		<-socket.ended
		close(socket.frames)
		for frame := range socket.frames {
			r.differences = append(r.differences, fmt.Sprintf("%s heard more: %s", name, frame))
		}
		if code := closeCode(socket.err); code != define.CloseGoingAway {
			r.differences = append(r.differences, name+" was closed with "+strconv.Itoa(code))
		}
	}
	for path := range r.conversation.Differs {
		if !r.used[path] {
			r.differences = append(r.differences, path+" differs in no step")
		}
	}
}
