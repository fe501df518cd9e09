package helper

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"parlor/define"
)

const (
	environPrefix = "PARLOR_"
	fileSuffix    = "_file" // auth.secret_file names the file that holds auth.secret
)

// LoadConfig returns the defaults, overridden by the YAML file at path, overridden by the
// variables of environ (as os.Environ gives them): PARLOR_ and the key in capitals with dots as
// underscores, lists separated by commas. A file that does not exist is an error only when it is
// required. Secrets that are named by a _file key have been read.
//
// The error holds every problem found, one a line: where it stands (file, line and column, or
// the variable), the key, and what is wrong with it.
func LoadConfig(path string, required bool, environ []string) (define.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil && (required || !errors.Is(err, fs.ErrNotExist)) {
		return define.Config{}, fmt.Errorf("read configuration: %w", err)
	}
	config := define.DefaultConfig()
	l := newConfigLoader(&config)
	l.readYAML(path, text)
	l.readEnviron(environ)
	l.readSecretFiles()
	for _, problem := range config.Validate() {
		l.report(l.where[problem.Key], problem.Key, "%s", problem.Reason)
	}
	if len(l.problems) > 0 {
		return define.Config{}, errors.Join(l.problems...)
	}
	return config, nil
}

// configLoader fills the fields of a Config by their keys and remembers where each came from.
type configLoader struct {
	keys     []string                 // in the order of the struct
	fields   map[string]reflect.Value // by key
	sections map[string]bool          // "mongodb" for "mongodb.uri"
	where    map[string]string        // by key, for those that were set
	problems []error
}

func newConfigLoader(config *define.Config) *configLoader {
	l := &configLoader{
		fields:   map[string]reflect.Value{},
		sections: map[string]bool{},
		where:    map[string]string{},
	}
	l.addFields("", reflect.ValueOf(config).Elem())
	return l
}

func (l *configLoader) addFields(prefix string, section reflect.Value) {
	for field, value := range section.Fields() {
		key := prefix + field.Tag.Get("yaml")
		if value.Kind() == reflect.Struct {
			l.sections[key] = true
			l.addFields(key+".", value)
			continue
		}
		l.keys = append(l.keys, key)
		l.fields[key] = value
	}
}

func (l *configLoader) report(where, key, format string, args ...any) {
	var parts []string
	for _, part := range []string{where, key, fmt.Sprintf(format, args...)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	l.problems = append(l.problems, errors.New(strings.Join(parts, ": ")))
}

var yamlErrorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func (l *configLoader) readYAML(path string, text []byte) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	err := decoder.Decode(&document)
	if err == io.EOF {
		return
	}
	if err == nil {
		l.readSection(path, "", document.Content[0])
		var second yaml.Node
		if err = decoder.Decode(&second); err == io.EOF {
			return
		}
		if err == nil {
			l.report(position(path, &second), "", "a second document: everything belongs into the first")
			return
		}
	}
	where, message := path, err.Error()
	if match := yamlErrorLine.FindStringSubmatch(message); match != nil {
		message = message[len(match[0]):]
		if match[1] != "" {
			where += ":" + match[1]
		}
	}
	l.report(where, "", "not YAML: %s", message)
}

func (l *configLoader) readSection(path, section string, node *yaml.Node) {
	if node.ShortTag() == "!!null" { // every line of the section is commented out
		return
	}
	if node.Kind != yaml.MappingNode {
		l.report(position(path, node), section, "must hold keys and their values")
		return
	}
	seen := map[string]*yaml.Node{}
	for pair := range slices.Chunk(node.Content, 2) {
		name, value := pair[0], pair[1]
		key := name.Value
		if section != "" {
			key = section + "." + name.Value
		}
		if first := seen[name.Value]; first != nil {
			l.report(position(path, name), key, "stands here twice, first in line %d", first.Line)
			continue
		}
		seen[name.Value] = name
		simple := name.Kind == yaml.ScalarNode && !strings.Contains(name.Value, ".")
		switch field, known := l.fields[key]; {
		case simple && known:
			l.where[key] = position(path, value)
			if err := setFromYAML(field, value); err != nil {
				l.report(l.where[key], key, "%v", err)
			}
		case simple && l.sections[key]:
			l.readSection(path, key, value)
		default:
			l.report(position(path, name), key, "unknown key")
		}
	}
}

func position(path string, node *yaml.Node) string {
	return fmt.Sprintf("%s:%d:%d", path, node.Line, node.Column)
}

func (l *configLoader) readEnviron(environ []string) {
	keys := make(map[string]string, len(l.keys))
	for _, key := range l.keys {
		keys[environName(key)] = key
	}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, environPrefix) {
			continue
		}
		key, known := keys[name]
		if !known {
			l.report(name, "", "unknown variable")
			continue
		}
		l.where[key] = name
		if err := setFromText(l.fields[key], value); err != nil {
			l.report(name, key, "%v", err)
		}
	}
}

func environName(key string) string {
	return environPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func (l *configLoader) readSecretFiles() {
	for _, fileKey := range l.keys {
		key, isFile := strings.CutSuffix(fileKey, fileSuffix)
		name := l.fields[fileKey].String()
		if !isFile || name == "" {
			continue
		}
		secret := l.fields[key]
		if secret.String() != "" {
			l.report(l.where[fileKey], fileKey, "set together with %s: choose one", key)
			continue
		}
		content, err := os.ReadFile(name)
		if err != nil {
			l.report(l.where[fileKey], fileKey, "%v", err)
			continue
		}
		l.where[key] = l.where[fileKey]
		secret.SetString(strings.TrimRight(string(content), "\r\n"))
		if secret.String() == "" {
			l.report(l.where[fileKey], fileKey, "%q is empty", name)
		}
	}
}

// setFromYAML refuses values of another type instead of converting them: 010 or
// yes, unquoted, are not the strings that they look like.
func setFromYAML(field reflect.Value, node *yaml.Node) error {
	switch tag := node.ShortTag(); {
	case tag == "!!null":
		return errors.New("has no value")
	case field.Kind() == reflect.Slice:
		return setListFromYAML(field, node)
	case node.Kind != yaml.ScalarNode:
		return errors.New("must be a single value")
	case field.Kind() == reflect.String && tag != "!!str":
		return errors.New("not a string: put it in quotes")
	case field.Kind() == reflect.Bool && tag != "!!bool":
		return fmt.Errorf("neither true nor false: %q", node.Value)
	case isNumber(field) && tag != "!!int" && tag != "!!float":
		return fmt.Errorf("not a number: %q", node.Value)
	}
	return setFromText(field, node.Value)
}

func setListFromYAML(field reflect.Value, node *yaml.Node) error {
	if node.Kind != yaml.SequenceNode {
		return errors.New("must be a list")
	}
	items := make([]string, 0, len(node.Content))
	for _, item := range node.Content {
		if item.ShortTag() != "!!str" {
			return fmt.Errorf("item in line %d is not a string", item.Line)
		}
		items = append(items, item.Value)
	}
	field.Set(reflect.ValueOf(items))
	return nil
}

func isNumber(field reflect.Value) bool {
	return field.Kind() == reflect.Float64 || field.Kind() == reflect.Int
}

// setFromText sets field to what text means in the field's type.
func setFromText(field reflect.Value, text string) error {
	switch field.Interface().(type) {
	case string:
		field.SetString(text)
	case bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("neither true nor false: %q", text)
		}
		field.SetBool(text == "true")
	case time.Duration:
		duration, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("not a duration such as 90s or 168h: %q", text)
		}
		field.SetInt(int64(duration))
	case int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("not a whole number: %q", text)
		}
		field.SetInt(int64(n))
	case float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("not a number: %q", text)
		}
		field.SetFloat(f)
	case []string:
		items := []string{}
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
		field.Set(reflect.ValueOf(items))
	default:
		panic(fmt.Sprintf("no way to set a setting of type %s", field.Type()))
	}
	return nil
}
