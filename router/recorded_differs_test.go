package router_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// wanted returns what must stand here instead of what was recorded.
func (d deliberate) wanted() any {
	if d.Absent {
		return absent{}
	}
	value, err := exactJSON(d.Here)
	if err != nil {
		return fmt.Errorf("here: %w", err) // equals nothing
	}
	return value
}

// deliberate returns the difference that is allowed at a path, if there is one.
func (c *comparison) deliberate(path string) (pattern string, d deliberate, ok bool) {
	if d, ok = c.differs[path]; ok {
		return path, d, true
	}
	for _, pattern := range slices.Sorted(maps.Keys(c.differs)) {
		if matches(pattern, path) {
			return pattern, c.differs[pattern], true
		}
	}
	return "", deliberate{}, false
}

// matches reports whether a path fits a pattern, in which * stands for any one name or place.
func matches(pattern, path string) bool {
	a, b := strings.Split(pattern, "."), strings.Split(path, ".")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != "*" && a[i] != b[i] {
			return false
		}
	}
	return true
}

// literal compares what stands at a path with what a writer of conversations has written down: exactly, but for
// "<any>", "<number>", "<text>", and "<recorded 2>", which is member 2 of what was recorded at the path.
func (c *comparison) literal(path string, want, there, here any) {
	switch want := want.(type) {
	case map[string]any:
		if here, ok := here.(map[string]any); ok {
			for key := range here {
				if _, ok := want[key]; !ok {
					c.report(join(path, key), absent{}, here[key], "is not expected here")
				}
			}
			for key := range want {
				c.literal(join(path, key), want[key], there, fieldOf(here, key))
			}
			return
		}
	case []any:
		if here, ok := here.([]any); ok && len(here) == len(want) {
			for i := range want {
				c.literal(join(path, strconv.Itoa(i)), want[i], there, here[i])
			}
			return
		}
	case string:
		if c.form(path, want, there, here) {
			return
		}
	case json.Number:
		if here, ok := here.(json.Number); ok && sameNumber(want, here) {
			return
		}
	default:
		if want == here {
			return
		}
	}
	c.report(path, want, here, "is expected here")
}

// form reports whether a value is what a word of a writer asks for.
func (c *comparison) form(path, want string, there, here any) bool {
	_, isNumber := here.(json.Number)
	text, isText := here.(string)
	switch want {
	case "<any>":
		return here != absent{}
	case "<number>":
		return isNumber
	case "<text>":
		return isText
	}
	if name, ok := strings.CutPrefix(want, "<recorded "); ok {
		recorded, err := lookUp(there, strings.TrimSuffix(name, ">"))
		if err != nil {
			return false
		}
		c.plain(path, recorded, here)
		return true
	}
	return isText && text == want
}

// lookUp follows a path into JSON. A place in a list may be counted from its end: -1 is the last.
func lookUp(value any, path string) (any, error) {
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = fieldOf(v, name)
		case []any:
			i, err := strconv.Atoi(name)
			if i < 0 {
				i += len(v)
			}
			if err != nil || i < 0 || i >= len(v) {
				return nil, fmt.Errorf("%s: there are %d", path, len(v))
			}
			value = v[i]
		default:
			value = absent{}
		}
		if value == (absent{}) {
			return nil, fmt.Errorf("%s: there is no %s", path, name)
		}
	}
	return value, nil
}

// documented reports whether the section of a face in docs/faces.md holds these words, however its lines are broken.
func documented(face, words string) (bool, error) {
	text, err := os.ReadFile("../docs/faces.md")
	if err != nil {
		return false, err
	}
	section := regexp.MustCompile(`(?ms)^## ` + face + `$(.*?)(^## |\z)`).FindSubmatch(text)
	if section == nil {
		return false, fmt.Errorf("docs/faces.md has no section %q", face)
	}
	flat := strings.Join(strings.Fields(string(section[1])), " ")
	return words != "" && strings.Contains(flat, words), nil
}
