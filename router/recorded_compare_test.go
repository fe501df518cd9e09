package router_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/url"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What a mask says of a value that differs from run to run. Any other mask is the name of a kind of id.
const (
	maskTime    = "time"    // the same form
	maskAddress = "address" // of a file: the same folder and ending; the same file for the same file
	maskLiteral = "literal" // a string that holds JSON, or a Python dict as seed 000's page reads it
)

// textIDs finds ids of a kind inside texts: the groups of the pattern.
type textIDs struct {
	pattern *regexp.Regexp
	kind    string
}

// masks say which values of a face differ from run to run. The keys are ends of paths without the places in lists:
// "msg_id", "chat_log.id". The longest that fits counts.
type masks struct {
	fields map[string]string
	texts  []textIDs
}

func (m masks) of(path string) string {
	names := slices.DeleteFunc(strings.Split(path, "."), func(name string) bool {
		_, err := strconv.Atoi(name)
		return err == nil
	})
	for i := range names {
		if mask, ok := m.fields[strings.Join(names[i:], ".")]; ok {
			return mask
		}
	}
	return ""
}

// bindings are the ids that belong together, there and here.
type bindings struct{ here, there map[string]string }

func newBindings() *bindings { return &bindings{map[string]string{}, map[string]string{}} }

func (b *bindings) clone() *bindings { return &bindings{maps.Clone(b.here), maps.Clone(b.there)} }

// bind notes that two ids are the same thing. It returns what speaks against it.
func (b *bindings) bind(kind, there, here string) string {
	boundHere, metThere := b.here[kind+" "+there]
	boundThere, metHere := b.there[kind+" "+here]
	switch {
	case metThere && boundHere != here:
		return fmt.Sprintf("%s %s was %s", kind, there, boundHere)
	case metHere && boundThere != there:
		return fmt.Sprintf("here, %s %s stood for %s", kind, here, boundThere)
	}
	b.here[kind+" "+there], b.there[kind+" "+here] = here, there
	return ""
}

// absent stands for a field that one side does not have.
type absent struct{}

// difference is something that is not as it was recorded.
type difference struct {
	path        string
	there, here any
	note        string
}

func (d difference) String() string {
	return fmt.Sprintf("%s: %s, recorded %s %s", d.path, shown(d.here), shown(d.there), d.note)
}

func shown(value any) string {
	if value == (absent{}) {
		return "nothing"
	}
	text, err := compactJSON(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

// comparison compares what came of one step with what was recorded. What it finds is in found.
type comparison struct {
	masks     masks
	known     *bindings
	differs   map[string]deliberate
	unordered []string
	used      map[string]bool // the patterns of differs that were needed
	found     []difference
}

func (c *comparison) report(path string, there, here any, note string) {
	c.found = append(c.found, difference{path, there, here, note})
}

// try compares without consequences unless nothing differs. It returns what does.
func (c *comparison) try(compare func(*comparison)) (found []difference) {
	attempt := *c
	attempt.known, attempt.used, attempt.found = c.known.clone(), maps.Clone(c.used), nil
	compare(&attempt)
	if len(attempt.found) == 0 {
		*c.known = *attempt.known
		maps.Copy(c.used, attempt.used)
	}
	return attempt.found
}

// value compares what stands at a path, where it may differ deliberately.
func (c *comparison) value(path string, there, here any) {
	pattern, d, deliberate := c.deliberate(path)
	if !deliberate {
		c.plain(path, there, here)
		return
	}
	recorded := c.try(func(c *comparison) { c.plain(path, there, here) })
	if len(recorded) == 0 {
		return
	}
	wanted := c.try(func(c *comparison) { c.literal(path, d.wanted(), there, here) })
	if len(wanted) == 0 {
		c.used[pattern] = true
		return
	}
	c.found = append(append(c.found, recorded...), wanted...)
}

// plain compares what stands at a path with what was recorded there.
func (c *comparison) plain(path string, there, here any) {
	switch there := there.(type) {
	case map[string]any:
		if here, ok := here.(map[string]any); ok {
			c.objects(path, there, here)
			return
		}
	case []any:
		if here, ok := here.([]any); ok {
			c.lists(path, there, here)
			return
		}
	case string:
		if here, ok := here.(string); ok {
			c.strings(path, there, here)
			return
		}
	case json.Number:
		if here, ok := here.(json.Number); ok {
			c.numbers(path, there, here)
			return
		}
	}
	if !reflect.DeepEqual(there, here) {
		c.report(path, there, here, "")
	}
}

func (c *comparison) objects(path string, there, here map[string]any) {
	all := slices.Collect(maps.Keys(there))
	for key := range here {
		if _, ok := there[key]; !ok {
			all = append(all, key)
		}
	}
	slices.Sort(all)
	for _, key := range all {
		c.value(join(path, key), fieldOf(there, key), fieldOf(here, key))
	}
}

func fieldOf(object map[string]any, key string) any {
	if value, ok := object[key]; ok {
		return value
	}
	return absent{}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (c *comparison) lists(path string, there, here []any) {
	if slices.ContainsFunc(c.unordered, func(pattern string) bool { return matches(pattern, path) }) {
		here = c.arranged(path, there, here)
	}
	for i := range max(len(there), len(here)) {
		place := join(path, strconv.Itoa(i))
		switch {
		case i >= len(here):
			c.value(place, there[i], absent{})
		case i >= len(there):
			c.value(place, absent{}, here[i])
		default:
			c.value(place, there[i], here[i])
		}
	}
}

// arranged brings a list whose order does not matter into the order that was recorded, as far as that can be done.
func (c *comparison) arranged(path string, there, here []any) []any {
	rest, fit, sure := slices.Clone(here), make([]any, len(there)), c.known.clone()
	unfit := []int{}
	for i := range there {
		found := slices.IndexFunc(rest, func(candidate any) bool {
			attempt := *c
			attempt.known = sure
			return len(attempt.try(func(c *comparison) { c.value(join(path, strconv.Itoa(i)), there[i], candidate) })) == 0
		})
		if found < 0 {
			unfit = append(unfit, i)
			continue
		}
		fit[i] = rest[found]
		rest = slices.Delete(rest, found, found+1)
	}
	for _, i := range unfit {
		if len(rest) == 0 {
			return slices.DeleteFunc(fit, func(value any) bool { return value == nil })
		}
		fit[i], rest = rest[0], rest[1:]
	}
	return append(fit, rest...)
}

func (c *comparison) numbers(path string, there, here json.Number) {
	mask := c.masks.of(path)
	switch {
	case mask == "" || mask == maskLiteral || isNone(there.String()) || isNone(here.String()):
		if !sameNumber(there, here) {
			c.report(path, there, here, "")
		}
	case mask == maskTime:
		a, fraction, _ := strings.Cut(there.String(), ".")
		b, finer, _ := strings.Cut(here.String(), ".")
		if len(a) != len(b) || fraction == "" && finer != "" {
			c.report(path, there, here, "is another form of time")
		}
	default:
		c.bind(path, mask, there.String(), here.String())
	}
}

// sameNumber compares numbers of any size, digit by digit.
func sameNumber(a, b json.Number) bool {
	x, okA := new(big.Rat).SetString(a.String())
	y, okB := new(big.Rat).SetString(b.String())
	return okA && okB && x.Cmp(y) == 0
}

// isNone tells the values that stand for no id: they are never masked.
func isNone(id string) bool { return id == "" || id == "0" || strings.HasPrefix(id, "-") }

func (c *comparison) bind(path, kind, there, here string) {
	if note := c.known.bind(kind, there, here); note != "" {
		c.report(path, there, here, note)
	}
}

func (c *comparison) strings(path, there, here string) {
	mask := c.masks.of(path)
	switch {
	case mask == "" || isNone(there) || isNone(here):
		c.texts(path, there, here)
	case mask == maskTime:
		digit := regexp.MustCompile(`\d`)
		if digit.ReplaceAllString(there, "0") != digit.ReplaceAllString(here, "0") {
			c.report(path, there, here, "is another form of time")
		}
	case mask == maskAddress:
		c.addresses(path, there, here)
	case mask == maskLiteral:
		a, okThere := literalOf(there)
		b, okHere := literalOf(here)
		if !okThere || !okHere {
			c.texts(path, there, here)
			return
		}
		c.value(path, a, b)
	default:
		c.bind(path, mask, there, here)
	}
}

// texts compares texts in which ids may stand.
func (c *comparison) texts(path, there, here string) {
	a, b := there, here
	for _, ids := range c.masks.texts {
		inThere, inHere := ids.pattern.FindAllStringSubmatch(a, -1), ids.pattern.FindAllStringSubmatch(b, -1)
		if len(inThere) != len(inHere) {
			continue // what is left differs
		}
		for i := range inThere {
			for group := 1; group < len(inThere[i]); group++ {
				c.bind(path, ids.kind, inThere[i][group], inHere[i][group])
			}
		}
		a, b = ids.pattern.ReplaceAllString(a, "#"), ids.pattern.ReplaceAllString(b, "#")
	}
	if a != b {
		c.report(path, there, here, "")
	}
}

func (c *comparison) addresses(place, there, here string) {
	a, errThere := url.Parse(there)
	b, errHere := url.Parse(here)
	if errThere != nil || errHere != nil || a.Host != b.Host || path.Dir(a.Path) != path.Dir(b.Path) || path.Ext(a.Path) != path.Ext(b.Path) {
		c.report(place, there, here, "is an address of another form")
		return
	}
	c.bind(place, maskAddress, there, here)
}

// literalOf reads an object that a string holds, as seed 000's page does: what Python writes is JSON but for these.
func literalOf(text string) (any, bool) {
	for _, json := range []string{text, strings.NewReplacer("'", `"`, "True", "true", "False", "false", "None", "null").Replace(text)} {
		if value, err := exactJSON([]byte(json)); err == nil {
			if _, ok := value.(map[string]any); ok {
				return value, true
			}
		}
	}
	return nil, false
}
