package embedded

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// match compares a value with what a test expects. A root document may have more
// keys than expected, a nested one may not. A missing value is the zero RawValue.
func (r *specRun) match(path string, expected, actual bson.RawValue, root bool) error {
	if doc, ok := expected.DocumentOK(); ok {
		if name, arg, special := specialMatcher(doc); special {
			return r.matchSpecial(path, name, arg, actual, root)
		}
		return r.matchDocument(path, doc, actual, root)
	}
	if array, ok := expected.ArrayOK(); ok {
		return r.matchArray(path, array, actual, root)
	}
	if want, ok := number(expected); ok {
		if got, ok := number(actual); !ok || got != want {
			return fmt.Errorf("%s: %v, want %v", path, actual, expected)
		}
		return nil
	}
	if !expected.Equal(actual) {
		return fmt.Errorf("%s: %v, want %v", path, actual, expected)
	}
	return nil
}

// number gives a value whose numeric type doesn't matter.
func number(v bson.RawValue) (float64, bool) {
	if v.Type == bson.TypeDecimal128 {
		return 0, false
	}
	return v.AsFloat64OK()
}

func specialMatcher(doc bson.Raw) (string, bson.RawValue, bool) {
	elements, err := doc.Elements()
	if err != nil || len(elements) != 1 || !strings.HasPrefix(elements[0].Key(), "$$") {
		return "", bson.RawValue{}, false
	}
	return elements[0].Key(), elements[0].Value(), true
}

func (r *specRun) matchDocument(path string, expected bson.Raw, actual bson.RawValue, root bool) error {
	doc, ok := actual.DocumentOK()
	if !ok {
		return fmt.Errorf("%s: %v is no document, want %v", path, actual, expected)
	}
	elements, err := expected.Elements()
	if err != nil {
		return err
	}
	for _, e := range elements {
		if err := r.match(path+"."+e.Key(), e.Value(), doc.Lookup(e.Key()), false); err != nil {
			return err
		}
	}
	if root {
		return nil
	}
	if elements, err = doc.Elements(); err != nil {
		return err
	}
	for _, e := range elements {
		if _, err := expected.LookupErr(e.Key()); err != nil {
			return fmt.Errorf("%s: unexpected %s in %v", path, e.Key(), doc)
		}
	}
	return nil
}

func (r *specRun) matchArray(path string, expected bson.RawArray, actual bson.RawValue, root bool) error {
	array, ok := actual.ArrayOK()
	if !ok {
		return fmt.Errorf("%s: %v is no array, want %v", path, actual, expected)
	}
	want, err := expected.Values()
	if err != nil {
		return err
	}
	got, err := array.Values()
	if err != nil {
		return err
	}
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d elements, want %d: %v, want %v", path, len(got), len(want), array, expected)
	}
	for i := range want {
		if err := r.match(fmt.Sprintf("%s.%d", path, i), want[i], got[i], root); err != nil {
			return err
		}
	}
	return nil
}

func (r *specRun) matchSpecial(path, name string, arg, actual bson.RawValue, root bool) error {
	ok := false
	switch name {
	case "$$exists":
		ok = arg.Boolean() != actual.IsZero()
	case "$$type":
		ok = matchesType(arg, actual)
	case "$$unsetOrMatches":
		if actual.IsZero() {
			return nil
		}
		return r.match(path, arg, actual, root)
	case "$$matchesEntity":
		saved, err := entity[bson.RawValue](r, arg.StringValue())
		if err != nil {
			return err
		}
		return r.match(path, saved, actual, root)
	case "$$matchesHexBytes":
		want, err := hex.DecodeString(arg.StringValue())
		if err != nil {
			return err
		}
		_, data, isBinary := actual.BinaryOK()
		ok = isBinary && bytes.Equal(data, want)
	case "$$sessionLsid":
		session, err := entity[*mongo.Session](r, arg.StringValue())
		if err != nil {
			return err
		}
		lsid, isDoc := actual.DocumentOK()
		ok = isDoc && bytes.Equal(lsid, session.ID())
	case "$$lte":
		want, _ := number(arg)
		got, isNumber := number(actual)
		ok = isNumber && got <= want
	default:
		return fmt.Errorf("%s: unknown matcher %s", path, name)
	}
	if !ok {
		return fmt.Errorf("%s: %v, want %s: %v", path, actual, name, arg)
	}
	return nil
}

// matchesType compares with a name of a type or an array of them.
func matchesType(arg, actual bson.RawValue) bool {
	if name, ok := arg.StringValueOK(); ok {
		return !actual.IsZero() && typeName(actual) == name
	}
	names, err := arg.Array().Values()
	if err != nil {
		return false
	}
	for _, name := range names {
		if matchesType(name, actual) {
			return true
		}
	}
	return false
}

// TestSpecMatch checks that the runner's matchers also refuse.
func TestSpecMatch(t *testing.T) {
	t.Parallel()
	r := &specRun{entities: map[string]any{"saved": must(rawValue(int32(1)))(t)}}
	for _, c := range []struct {
		want, got string
		ok        bool
	}{
		{`{"a": 1}`, `{"a": 1.0, "b": 2}`, true},
		{`{"a": 1}`, `{"a": 2}`, false},
		{`{"a": 1}`, `{}`, false},
		{`{"a": {"b": 1}}`, `{"a": {"b": 1, "c": 1}}`, false},
		{`{"a": [1]}`, `{"a": [1, 2]}`, false},
		{`{"a": "x"}`, `{"a": "y"}`, false},
		{`{"a": {"$$exists": true}}`, `{"a": null}`, true},
		{`{"a": {"$$exists": true}}`, `{}`, false},
		{`{"a": {"$$exists": false}}`, `{"a": 1}`, false},
		{`{"a": {"$$type": ["int", "long"]}}`, `{"a": 1}`, true},
		{`{"a": {"$$type": "string"}}`, `{"a": 1}`, false},
		{`{"a": {"$$type": "string"}}`, `{}`, false},
		{`{"a": {"$$unsetOrMatches": 1}}`, `{}`, true},
		{`{"a": {"$$unsetOrMatches": 1}}`, `{"a": 2}`, false},
		{`{"a": {"$$matchesEntity": "saved"}}`, `{"a": 1}`, true},
		{`{"a": {"$$matchesEntity": "saved"}}`, `{"a": 2}`, false},
		{`{"a": {"$$matchesEntity": "other"}}`, `{"a": 1}`, false},
		{`{"a": {"$$matchesHexBytes": "ff"}}`, `{"a": {"$binary": {"base64": "/w==", "subType": "00"}}}`, true},
		{`{"a": {"$$matchesHexBytes": "ff"}}`, `{"a": {"$binary": {"base64": "AA==", "subType": "00"}}}`, false},
		{`{"a": {"$$lte": 2}}`, `{"a": 2}`, true},
		{`{"a": {"$$lte": 2}}`, `{"a": 3}`, false},
		{`{"a": {"$$never": 2}}`, `{"a": 2}`, false},
	} {
		var want, got bson.Raw
		if err := bson.UnmarshalExtJSON([]byte(c.want), false, &want); err != nil {
			t.Fatal(err)
		}
		if err := bson.UnmarshalExtJSON([]byte(c.got), false, &got); err != nil {
			t.Fatal(err)
		}
		err := r.match("", must(rawValue(want))(t), must(rawValue(got))(t), true)
		if (err == nil) != c.ok {
			t.Errorf("%s against %s: %v", c.got, c.want, err)
		}
	}
}
