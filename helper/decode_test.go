package helper

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"parlor/define"
)

type decoded struct {
	Name string   `json:"name"`
	Size *int     `json:"size"`
	Tags []string `json:"tags"`
	Embedded
	Inner struct {
		On bool `json:"on"`
	} `json:"inner"`
}

// Embedded is embedded, as a page is in a query.
type Embedded struct {
	Deep string `json:"deep"`
}

func TestDecodeJSONNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, field, text string }{
		{`{"name": 1}`, "name", "must be a string"},
		{`{"size": "x"}`, "size", "must be a number"},
		{`{"size": 1.5}`, "size", "must be a number"},
		{`{"tags": {}}`, "tags", "must be a list"},
		{`{"inner": []}`, "inner", "must be an object"},
		{`{"inner": {"on": "yes"}}`, "inner.on", "must be a boolean"},
		{`{"deep": 1}`, "deep", "must be a string"},
		{`{"nmae": "x"}`, "nmae", "is not a field"},
		{`{`, "", ""},
		{`{} {}`, "", ""},
		{`[]`, "", ""},
		{"{\"name\": \"caf\xe9\"}", "", ""}, // Latin-1
		{`"text"`, "", ""},
	} {
		var into decoded
		var refusal *define.Error
		if err := DecodeJSON([]byte(c.body), &into); !errors.As(err, &refusal) || refusal.Code != define.CodeInvalid {
			t.Errorf("%s: got %v, want a refusal", c.body, err)
			continue
		}
		if c.field == "" {
			if !errors.Is(refusal, define.ErrMalformed) {
				t.Errorf("%s: got %v, want malformed", c.body, refusal)
			}
		} else if got := refusal.Fields[c.field].En; !strings.Contains(got, c.text) {
			t.Errorf("%s: %s is said to be %q, want %q in it", c.body, c.field, got, c.text)
		}
	}
}

func TestDecodeJSONTakesNothingAsAnEmptyObject(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", " \n", "{}"} {
		var into decoded
		if err := DecodeJSON([]byte(body), &into); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestAddressKeyCountsNetworksOfIPv6(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7",
		"::ffff:192.0.2.7":     "::ffff:192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1": "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
		"":                     "",
	} {
		if got := AddressKey(address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, body := range []string{`{"name":"x","size":1,"tags":["a"],"inner":{"on":true}}`, `{`, `{"x":1}`, ``} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var into decoded
		err := DecodeJSON(body, &into)
		var refusal *define.Error
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("%q: %v is no refusal", body, err)
		}
		if err == nil && len(body) > 0 && !json.Valid(body) && strings.TrimSpace(string(body)) != "" {
			t.Fatalf("%q was taken", body)
		}
	})
}
