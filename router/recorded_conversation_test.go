package router_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// conversation is one file of testdata/recorded: what clients said to an original system, and what it answered.
type conversation struct {
	System    string                `json:"system"`   // the original, and what had to be mended before it ran
	Commit    string                `json:"commit"`   // of its source
	Recorded  string                `json:"recorded"` // the day
	Differs   map[string]deliberate `json:"differs,omitempty"`
	Unordered []string              `json:"unordered,omitempty"`
	Steps     []*recordedStep       `json:"steps"`
}

// recordedStep is one thing that a client does, and what came of it.
type recordedStep struct {
	Name string `json:"name"`
	As   string `json:"as,omitempty"`   // the actor: his cookies are kept
	Only string `json:"only,omitempty"` // "here" or "there": the other side needs no such step
	Why  string `json:"why,omitempty"`  // why only there

	Method    string            `json:"method,omitempty"`
	Path      string            `json:"path,omitempty"`
	Query     map[string]string `json:"query,omitempty"`
	Header    map[string]string `json:"header,omitempty"` // of a call, or of a socket's handshake
	JSON      json.RawMessage   `json:"json,omitempty"`
	Form      map[string]string `json:"form,omitempty"`
	Multipart *recordedForm     `json:"multipart,omitempty"`
	Text      *string           `json:"text,omitempty"` // a body or a frame as it stands

	Socket string          `json:"socket,omitempty"` // which one; without it that of the actor
	Open   string          `json:"open,omitempty"`   // the path of a socket
	Send   json.RawMessage `json:"send,omitempty"`   // a frame
	Close  bool            `json:"close,omitempty"`  // the client closes the socket

	Save      map[string]string     `json:"save,omitempty"`
	Differs   map[string]deliberate `json:"differs,omitempty"`
	Unordered []string              `json:"unordered,omitempty"`
	recordedResult
}

// recordedForm is a multipart body.
type recordedForm struct {
	Fields map[string]string `json:"fields,omitempty"`
	Files  []recordedFile    `json:"files,omitempty"`
}

// recordedFile is a file of a form. Its bytes are a text, base64, or size times the letter x.
type recordedFile struct {
	Field  string `json:"field"`
	Name   string `json:"name"`
	Type   string `json:"type,omitempty"`
	Text   string `json:"text,omitempty"`
	Base64 []byte `json:"base64,omitempty"`
	Size   int    `json:"size,omitempty"`
}

// recordedResult is what came of a step. Paths into it begin with these names: answer.user_id, frames.alice.0.type.
type recordedResult struct {
	Status int              `json:"status,omitempty"` // of a call, or of a handshake: 101 where the socket was opened
	Type   string           `json:"type,omitempty"`   // without parameters; nothing where the body is empty
	Size   int              `json:"size,omitempty"`   // of a body that is neither JSON nor text, in bytes
	Answer any              `json:"answer,omitempty"` // a body that is JSON, or text but not HTML
	Frames map[string][]any `json:"frames,omitempty"` // what each socket heard because of the step, in order
	Closed map[string]int   `json:"closed,omitempty"` // sockets that the server closed, with the code
}

// deliberate is a difference that must stay.
type deliberate struct {
	Here   json.RawMessage `json:"here,omitempty"`
	Absent bool            `json:"absent,omitempty"` // there is no such thing here
	Why    string          `json:"why"`              // words of the face's section of docs/faces.md
}

// socket returns the name of the socket that a step is about.
func (s *recordedStep) socket() string {
	if s.Socket != "" {
		return s.Socket
	}
	return s.As
}

// value returns what came of a step as JSON, in which paths lead to everything. There are frames and closed even where
// nothing was heard: so one socket may differ where only the other side hears something.
func (r recordedResult) value() (any, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	value, err := exactJSON(text)
	if fields, ok := value.(map[string]any); ok {
		for _, name := range []string{"frames", "closed"} {
			if fields[name] == nil {
				fields[name] = map[string]any{}
			}
		}
	}
	return value, err
}

// exactJSON decodes JSON whose numbers keep all their digits.
func exactJSON(text []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err = decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err = decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one value: %.100s", text)
	}
	return value, nil
}

func readConversation(name string) (*conversation, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	c := &conversation{}
	decoder := json.NewDecoder(file)
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(c); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, step := range c.Steps {
		if strings.Contains(step.socket(), ".") {
			return nil, fmt.Errorf("%s: %s: a socket's name stands in paths: it must have no dot", name, step.Name)
		}
	}
	return c, nil
}

// write stores a conversation, one line for each field of a step: so a difference of two recordings can be read.
func (c *conversation) write(name string) error {
	var out bytes.Buffer
	if err := layOut(&out, c, "", func(field string) bool { return field == "steps" || field == "differs" }); err != nil {
		return err
	}
	out.WriteString("\n")
	return os.WriteFile(name, out.Bytes(), 0o644)
}

// layOut writes an object with a line for each field. The fields that are opened are written over several lines.
func layOut(out *bytes.Buffer, object any, indent string, opened func(string) bool) error {
	text, err := compactJSON(object)
	if err != nil {
		return err
	}
	fields, err := orderedFields(text)
	if err != nil {
		return err
	}
	out.WriteString("{")
	for i, f := range fields {
		if i > 0 {
			out.WriteString(",")
		}
		fmt.Fprintf(out, "\n%s  %q: ", indent, f.name)
		if !opened(f.name) {
			out.Write(f.value)
		} else if err := layOutMembers(out, f.value, indent+"  "); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\n%s}", indent)
	return nil
}

// layOutMembers writes a list of objects with their fields on lines of their own, or an object with a line a field.
func layOutMembers(out *bytes.Buffer, value json.RawMessage, indent string) error {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) != nil {
		return layOut(out, value, indent, func(string) bool { return false })
	}
	out.WriteString("[")
	for i, member := range list {
		if i > 0 {
			out.WriteString(",")
		}
		out.WriteString("\n" + indent + "  ")
		if err := layOut(out, member, indent+"  ", func(field string) bool { return field == "frames" || field == "differs" }); err != nil {
			return err
		}
	}
	out.WriteString("\n" + indent + "]")
	return nil
}

type jsonField struct {
	name  string
	value json.RawMessage
}

// orderedFields takes an object apart without losing the order of its fields.
func orderedFields(object []byte) (fields []jsonField, err error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err = decoder.Token(); err != nil {
		return nil, err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		f := jsonField{name: fmt.Sprint(name)}
		if err := decoder.Decode(&f.value); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// compactJSON encodes a value on one line, with < and > as they are.
func compactJSON(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}
