package router_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the tests of the engine mask.
var engineMasks = masks{
	fields: map[string]string{"id": "user", "peer": "user", "log.id": "message", "at": maskTime, "file": maskAddress, "note": maskLiteral},
	texts:  []textIDs{{regexp.MustCompile(`Private (\d+)&(\d+)`), "user"}},
}

func TestRecordedComparison(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, there, here, found string }{
		{"the same", `{"a":[1,"x",null,true,{}]}`, `{"a":[1,"x",null,true,{}]}`, ""},
		{"another value", `{"code":0}`, `{"code":-1}`, "code"},
		{"another type", `{"code":0}`, `{"code":"0"}`, "code"},
		{"null is not nothing", `{"a":null}`, `{}`, "a"},
		{"null is not empty", `{"a":null}`, `{"a":[]}`, "a"},
		{"one more field", `{}`, `{"a":{"b":1}}`, "a"},
		{"one element less", `{"a":[1,2]}`, `{"a":[1]}`, "a.1"},
		{"one element more", `{"a":[1]}`, `{"a":[1,2]}`, "a.1"},
		{"another order", `{"a":[1,2]}`, `{"a":[2,1]}`, "a.0 a.1"},
		{"numbers beyond 2^53", `{"a":9007199254740993}`, `{"a":9007199254740992}`, "a"},
		{"the same number", `{"a":1}`, `{"a":1.0}`, ""},
		{"other ids", `[{"id":1},{"id":2},{"peer":1}]`, `[{"id":71},{"id":72},{"peer":71}]`, ""},
		{"an id that was another", `[{"id":1},{"peer":1}]`, `[{"id":71},{"peer":72}]`, "1.peer"},
		{"one id for two", `[{"id":1},{"id":2}]`, `[{"id":71},{"id":71}]`, "1.id"},
		{"an id of another kind", `[{"id":1},{"log":{"id":1}}]`, `[{"id":71},{"log":{"id":5}}]`, ""},
		{"an id of another type", `{"id":1}`, `{"id":"1"}`, "id"},
		{"no id is no id", `[{"id":-1},{"id":0}]`, `[{"id":-1},{"id":5}]`, "1.id"},
		{"ids in a list", `[{"id":[1,2]},{"peer":2}]`, `[{"id":[3,4]},{"peer":3}]`, "1.peer"},
		{"ids in a text", `[{"id":1},{"id":2},{"name":"Private 1&2"}]`, `[{"id":8},{"id":9},{"name":"Private 8&9"}]`, ""},
		{"ids turned round in a text", `[{"id":1},{"id":2},{"name":"Private 1&2"}]`, `[{"id":8},{"id":9},{"name":"Private 9&8"}]`, "2.name 2.name"},
		{"the text around ids", `{"name":"Private 1&2"}`, `{"name":"Private 1&2."}`, "name"},
		{"another second", `{"at":1700000000.25}`, `{"at":1700000001.5}`, ""},
		{"milliseconds", `{"at":1700000000}`, `{"at":1700000000000}`, "at"},
		{"a fraction of a second", `{"at":1700000000}`, `{"at":1700000000.5}`, "at"},
		{"another day", `{"at":"2023-05-26 10:00:00"}`, `{"at":"2026-11-21 23:59:59"}`, ""},
		{"a day written otherwise", `{"at":"2023-05-26 10:00:00"}`, `{"at":"2023-05-26T10:00:00"}`, "at"},
		{"no time", `{"at":null}`, `{"at":1700000000}`, "at"},
		{"another file", `[{"file":"/f/a.png"},{"file":"/f/a.png"}]`, `[{"file":"/f/x.png"},{"file":"/f/x.png"}]`, ""},
		{"two files for one", `[{"file":"/f/a.png"},{"file":"/f/a.png"}]`, `[{"file":"/f/x.png"},{"file":"/f/y.png"}]`, "1.file"},
		{"a file elsewhere", `{"file":"/f/a.png"}`, `{"file":"/g/a.png"}`, "file"},
		{"a file of another kind", `{"file":"http://chat.example/f/a.png"}`, `{"file":"http://chat.example/f/a.jpg"}`, "file"},
		{"a dict of Python", `{"note":"{'id': 1, 'ok': True}"}`, `{"note":"{\"id\":5,\"ok\":true}"}`, ""},
		{"inside a dict", `{"note":"{'id': 1, 'ok': True}"}`, `{"note":"{\"id\":5,\"ok\":false}"}`, "note.ok"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &comparison{masks: engineMasks, known: newBindings()}
			c.value("", parsed(t, test.there), parsed(t, test.here))
			if got := c.paths(); got != test.found {
				t.Errorf("differs in %q, want %q", got, test.found)
			}
		})
	}
}

func parsed(t *testing.T, text string) any {
	t.Helper()
	value, err := exactJSON([]byte(text))
	must(t, err)
	return value
}

// paths lists where differences were found.
func (c *comparison) paths() string {
	var all []string
	for _, found := range c.found {
		all = append(all, found.path)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestRecordedDeliberateDifferences(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, there, here string
		differs           map[string]string // the empty text: absent
		found             string
		used              string
	}{
		{"allowed", `{"a":1,"b":2}`, `{"a":1,"b":3}`, map[string]string{"b": `3`}, "", "b"},
		{"allowed elsewhere", `{"a":1,"b":2}`, `{"a":5,"b":3}`, map[string]string{"b": `3`}, "a", "b"},
		{"not so", `{"b":2}`, `{"b":4}`, map[string]string{"b": `3`}, "b b", ""},
		{"not any more", `{"b":2}`, `{"b":2}`, map[string]string{"b": `3`}, "", ""},
		{"only with its type", `{"b":2}`, `{"b":"3"}`, map[string]string{"b": `3`}, "b b", ""},
		{"a field less", `{"a":1,"b":2}`, `{"a":1}`, map[string]string{"b": ``}, "", "b"},
		{"a field more", `{"a":1}`, `{"a":1,"b":2}`, map[string]string{"b": `"<number>"`}, "", "b"},
		{"in all elements", `[{"e":"x"},{"e":"y"},{"e":""}]`, `[{"e":""},{"e":""},{"e":""}]`, map[string]string{"*.e": `""`}, "", "*.e"},
		{"in one of all elements", `[{"e":"x"},{"e":"y"}]`, `[{"e":""},{"e":"y"}]`, map[string]string{"*.e": `""`}, "", "*.e"},
		{"not this in all elements", `[{"e":"x"},{"e":"y"}]`, `[{"e":""},{"e":"z"}]`, map[string]string{"*.e": `""`}, "1.e 1.e", "*.e"},
		{"a text", `{"b":2}`, `{"b":"any"}`, map[string]string{"b": `"<text>"`}, "", "b"},
		{"one between two", `{"f":[{"id":1},{"id":2}]}`, `{"f":[{"id":7},{"more":[1]},{"id":8}]}`, map[string]string{"f": `["<recorded 0>",{"more":"<any>"},"<recorded 1>"]`}, "", "f"},
		{"one between others", `{"f":[{"id":1},{"id":1}]}`, `{"f":[{"id":7},{"more":1},{"id":8}]}`, map[string]string{"f": `["<recorded 0>",{"more":1},"<recorded 1>"]`}, "f.1.id f.1.more f.2 f.2.id", ""},
		{"the more exact path", `{"a":{"b":2}}`, `{"a":{"b":3}}`, map[string]string{"a.b": `3`, "*.b": `4`}, "", "a.b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &comparison{masks: engineMasks, known: newBindings(), differs: map[string]deliberate{}, used: map[string]bool{}}
			for path, here := range test.differs {
				c.differs[path] = deliberate{Here: json.RawMessage(here), Absent: here == ""}
			}
			c.value("", parsed(t, test.there), parsed(t, test.here))
			used := ""
			for path := range c.used {
				used += path
			}
			if got := c.paths(); got != test.found || used != test.used {
				t.Errorf("differs in %q, want %q; used %q, want %q", got, test.found, used, test.used)
			}
		})
	}
}

func TestRecordedListsWithoutOrder(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, there, here, found string }{
		{"turned round", `{"all":[{"id":1,"n":"a"},{"id":2,"n":"b"}]}`, `{"all":[{"id":8,"n":"b"},{"id":7,"n":"a"}]}`, ""},
		{"ids still agree", `{"all":[{"id":1,"n":"a"},{"id":2,"n":"b"}],"peer":2}`, `{"all":[{"id":8,"n":"b"},{"id":7,"n":"a"}],"peer":7}`, "peer"},
		{"one is another", `{"all":[{"id":1,"n":"a"},{"id":2,"n":"b"}]}`, `{"all":[{"id":8,"n":"c"},{"id":7,"n":"a"}]}`, "all.1.n"},
		{"one less", `{"all":[1,2,3]}`, `{"all":[3,1]}`, "all.1 all.2"},
		{"one more", `{"all":[1,2]}`, `{"all":[3,2,1]}`, "all.2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &comparison{masks: engineMasks, known: newBindings(), unordered: []string{"all"}}
			c.value("", parsed(t, test.there), parsed(t, test.here))
			if got := c.paths(); got != test.found {
				t.Errorf("differs in %q, want %q", got, test.found)
			}
		})
	}
}

func TestRecordedValues(t *testing.T) {
	t.Parallel()
	v := newValues(map[string]func(string) string{"shout": strings.ToUpper})
	v.saved = map[string]any{"alice.id": json.Number("9007199254740993"), "alice.token": "x.y"}
	for text, want := range map[string]string{
		`{"id":"{alice.id}"}`:            `{"id":9007199254740993}`,
		`{"id":"/{alice.id}/"}`:          `{"id":"/9007199254740993/"}`,
		`["Bearer {alice.token}","{}"]`:  `["Bearer x.y","{}"]`,
		`["{repeat:ab*3}","{shout:hi}"]`: `["ababab","HI"]`,
		`"{shout:alice.token}"`:          `"X.Y"`,
		`["{nobody}"]`:                   ``,
	} {
		got, err := v.raw(json.RawMessage(text))
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s becomes %s (%v), want %s", text, got, err, want)
		}
	}
}
