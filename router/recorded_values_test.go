package router_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// values are what a conversation puts in for {name} and {function:argument}.
type values struct {
	saved     map[string]any
	functions map[string]func(argument string) string
}

func newValues(functions map[string]func(string) string) *values {
	all := map[string]func(string) string{"repeat": repeated}
	for name, f := range functions {
		all[name] = f
	}
	return &values{map[string]any{}, all}
}

// repeated makes a long text: {repeat:a*1001}.
func repeated(argument string) string {
	text, times, _ := strings.Cut(argument, "*")
	n, err := strconv.Atoi(times)
	if err != nil {
		return ""
	}
	return strings.Repeat(text, n)
}

var place = regexp.MustCompile(`\{([a-z]\w*(?:\.\w+)*)(?::([^{}]*))?\}`)

// of returns the value of one place in a text.
func (v *values) of(match []string) (any, error) {
	name, argument := match[1], match[2]
	if f, ok := v.functions[name]; ok {
		if saved, ok := v.saved[argument]; ok {
			argument = fmt.Sprint(saved)
		}
		return f(argument), nil
	}
	value, ok := v.saved[name]
	if !ok {
		return nil, fmt.Errorf("nothing was saved as %q", name)
	}
	return value, nil
}

// text puts values into a text.
func (v *values) text(text string) (string, error) {
	var failed error
	filled := place.ReplaceAllStringFunc(text, func(match string) string {
		value, err := v.of(place.FindStringSubmatch(match))
		if err != nil {
			failed = err
		}
		return fmt.Sprint(value)
	})
	return filled, failed
}

// json puts values into the strings of JSON. A string that is nothing but a place becomes the value with its type.
func (v *values) json(value any) (any, error) {
	var err error
	switch value := value.(type) {
	case map[string]any:
		filled := map[string]any{}
		for key := range value {
			if filled[key], err = v.json(value[key]); err != nil {
				return nil, err
			}
		}
		return filled, nil
	case []any:
		filled := make([]any, len(value))
		for i := range value {
			if filled[i], err = v.json(value[i]); err != nil {
				return nil, err
			}
		}
		return filled, nil
	case string:
		if match := place.FindStringSubmatch(value); match != nil && match[0] == value {
			return v.of(match)
		}
		return v.text(value)
	}
	return value, nil
}

// raw puts values into JSON that is written in a conversation.
func (v *values) raw(text json.RawMessage) (json.RawMessage, error) {
	value, err := exactJSON(text)
	if err != nil {
		return nil, err
	}
	if value, err = v.json(value); err != nil {
		return nil, err
	}
	return compactJSON(value)
}

// texts puts values into the texts of a map.
func (v *values) texts(all map[string]string) (map[string]string, error) {
	filled := map[string]string{}
	for key, text := range all {
		var err error
		if filled[key], err = v.text(text); err != nil {
			return nil, err
		}
	}
	return filled, nil
}
