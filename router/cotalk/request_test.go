package cotalk

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"parlor/define"
)

// said returns the words of a refusal, empty for none.
func said(err error) string {
	refusal := (*define.Error)(nil)
	if !errors.As(err, &refusal) {
		return ""
	}
	_, info := shown(refusal)
	return info
}

func TestFieldsTakeWhatClientsSend(t *testing.T) {
	t.Parallel()
	const gone = "'Invalid parameters. Expected `x`, but not found.'"
	wrong := func(kind string) string { return "'Invalid parameters. Expected `x` to be `" + kind + "` type.'" }
	tests := []struct {
		kind, body string
		want       any
		info       string
	}{
		{"int", `{"x": 5}`, int64(5), ""},
		{"int", `{"x": "5"}`, int64(5), ""},
		{"int", `{"x": " -7 "}`, int64(-7), ""},
		{"int", `{"x": 5.9}`, int64(5), ""},
		{"int", `{"x": 9007199254740991}`, int64(1<<53 - 1), ""},
		{"int", `{"x": 1e300}`, nil, wrong("int")},
		{"int", `{"x": "5.0"}`, nil, wrong("int")},
		{"int", `{"x": "null"}`, nil, wrong("int")},
		{"int", `{"x": true}`, nil, wrong("int")},
		{"int", `{"x": [5]}`, nil, wrong("int")},
		{"int", `{"x": null}`, nil, gone},
		{"int", `{}`, nil, gone},
		{"text", `{"x": "a"}`, "a", ""},
		{"text", `{"x": ""}`, "", ""},
		{"text", `{"x": 5.50}`, "5.50", ""},
		{"text", `{"x": true}`, "True", ""},
		{"text", `{"x": {}}`, nil, wrong("string")},
		{"text", `{"x": ["a"]}`, nil, wrong("string")},
		{"text", `{"y": "a"}`, nil, gone},
		{"bool", `{"x": true}`, true, ""},
		{"bool", `{"x": "True"}`, true, ""},
		{"bool", `{"x": "yes"}`, true, ""},
		{"bool", `{"x": false}`, false, ""},
		{"bool", `{"x": "No"}`, false, ""},
		{"bool", `{"x": 1}`, nil, wrong("bool")},
		{"bool", `{"x": "on"}`, nil, wrong("bool")},
		{"bool", `{"x": []}`, nil, wrong("bool")},
		{"bool", `{}`, nil, gone},
		{"float", `{"x": 1.5}`, 1.5, ""},
		{"float", `{"x": " 1.5 "}`, 1.5, ""},
		{"float", `{}`, 8.0, ""},
		{"float", `{"x": "soon"}`, nil, wrong("float")},
		{"float", `{"x": "NaN"}`, nil, wrong("float")},
		{"array", `{"x": [1, "2"]}`, []int64{1, 2}, ""},
		{"array", `{"x": []}`, []int64{}, ""},
		{"array", `{}`, []int64(nil), ""},
		{"array", `{"x": 1}`, nil, wrong("array")},
		{"array", `{"x": ["one"]}`, nil, wrong("array of int")},
	}
	for _, test := range tests {
		in, err := decodeFields([]byte(test.body))
		if err != nil {
			t.Fatalf("%s: %v", test.body, err)
		}
		var got any
		switch test.kind {
		case "int":
			got, err = in.integer("x")
		case "text":
			got, err = in.text("x", "")
		case "bool":
			got, err = in.boolean("x")
		case "float":
			got, err = in.number("x", 8)
		case "array":
			got, err = in.integers("x")
		}
		if info := said(err); info != test.info {
			t.Errorf("%s as %s: refused with %q, want %q", test.body, test.kind, info, test.info)
		}
		if test.info == "" && !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s as %s: %v, want %v", test.body, test.kind, got, test.want)
		}
	}
}

func TestBodiesThatAreNoObject(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "null", "[]", "5", `"a"`, "{", "{} {}", `{"a":1}x`, "\x00", strings.Repeat("[", 20_000)} {
		if in, err := decodeFields([]byte(body)); !strings.HasPrefix(said(err), "JSON decode error: ") {
			t.Errorf("%.20q: %v, %v", body, in, err)
		}
	}
}

func TestEmptyFieldsOfForms(t *testing.T) {
	t.Parallel()
	in := formFields(map[string][]string{"a": {"1", "2"}, "b": {""}, "c": {"\xff"}})
	want := fields{"a": "2", "b": "", "c": "\uFFFD"}
	if !maps.Equal(in, want) {
		t.Errorf("%v, want %v", in, want)
	}
}

// Whatever comes, it is read or refused in words, and what was read can be written again.
func FuzzFields(f *testing.F) {
	for _, seed := range []string{
		`{"user_id":1,"chat_id":"2","msg_text":"hi","msg_type":"text","reply_to":-1}`, `{"x":null}`, `{"x":1e999}`, `{"x":[1,"2",null]}`,
		`{"x":"\ud800"}`, `{"user_id":"９"}`, `[]`, `{"a":{"a":{"a":1}}}`, "\xef\xbb\xbf{}", `{"x":0x1}`, `{"filter_after":"inf","filter_type":"text"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := decodeFields(body)
		if err != nil {
			if said(err) == "" {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		for name := range in {
			_, noText := in.text(name, "")
			n, noInteger := in.integer(name)
			_, noTruth := in.boolean(name)
			_, noNumber := in.number(name, 0)
			_, noList := in.integers(name)
			for _, err := range []error{noText, noInteger, noTruth, noNumber, noList} {
				if err != nil && said(err) == "" {
					t.Fatalf("%q: not a refusal: %v", name, err)
				}
			}
			if again, ok := integerOf(json.Number(strconv.FormatInt(n, 10))); noInteger == nil && (!ok || again != n) {
				t.Fatalf("%q: %d is read as %d", name, n, again)
			}
		}
		_, _ = in.sending() // refused or not, they must come back
		_, _ = in.filter()
		_, _ = in.profile()
	})
}
