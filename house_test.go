package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "parlor"

// The house: which place may import which. A place holds the packages of its folder, except
// those that have a place of their own, and may always import itself. Arrows only run downward,
// so a folder that is added needs a line here, and a reason.
var house = map[string][]string{
	"":                {"define", "helper", "models", "models/embedded", "service", "service/hub", "middleware", "router"},
	"define":          {},
	"helper":          {"define"},
	"models":          {"define", "helper"},
	"models/embedded": {},
	"service":         {"define", "helper", "models", "service/hub"},
	"service/hub":     {"define"},
	"middleware":      {"define", "helper", "service"},
	"router":          {"define", "helper", "middleware", "service", "service/hub"},
}

// The libraries that belong to some places only.
var libraries = map[string][]string{
	"github.com/gin-gonic/gin":      {"", "middleware", "router"},
	"github.com/gorilla/websocket":  {"router"},
	"go.mongodb.org/mongo-driver":   {"models", "models/embedded"},
	"github.com/cockroachdb/pebble": {"models/embedded"},
	"github.com/wneessen/go-mail":   {"helper"},
	"github.com/pion":               {"router"},
}

// What may stand at the top beside the first folders of the house and tests.
var topLevel = []string{
	".ci", ".git", ".gitignore", "CHANGELOG.md", "Dockerfile", "LICENSE", "README.md", "compose.yaml",
	"config.yaml", "docs", "go.mod", "go.sum", "main.go", "web",
}

// placeOf returns the place of a folder of the module, "" being the top.
func placeOf(folder string) (place string, known bool) {
	for ; folder != "." && folder != ""; folder = path.Dir(folder) {
		if _, known := house[folder]; known {
			return folder, true
		}
		place = folder
	}
	return "", place == ""
}

// brokenArrow says which rule a file in folder breaks by an import, or nothing.
func brokenArrow(folder, imported string) string {
	from, known := placeOf(folder)
	if !known {
		return fmt.Sprintf("%q is no place of the house", folder)
	}
	for library, places := range libraries {
		if (imported == library || strings.HasPrefix(imported, library+"/")) && !slices.Contains(places, from) {
			return fmt.Sprintf("%q imports %s, which belongs into %q", folder, imported, places)
		}
	}
	inside, ours := strings.CutPrefix(imported, module+"/")
	if !ours {
		return ""
	}
	to, known := placeOf(inside)
	if !known {
		return fmt.Sprintf("%q imports %q, which is no place of the house", folder, inside)
	}
	if to != from && !slices.Contains(house[from], to) {
		return fmt.Sprintf("%q imports %q: this arrow does not run downward", folder, inside)
	}
	return ""
}

// allowedAtTop reports whether the design knows an entry of the top level, or git ignores it.
func allowedAtTop(name string, ignored []string) bool {
	if _, place := house[name]; place || slices.Contains(topLevel, name) || strings.HasSuffix(name, "_test.go") {
		return true
	}
	return slices.ContainsFunc(ignored, func(pattern string) bool {
		match, err := path.Match(strings.Trim(pattern, "/"), name)
		return err == nil && match
	})
}

// hasModule reports whether a folder is a module of its own, which is not part of the house.
func hasModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

func TestHouseArrowsRunDownward(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || hasModule(name)) {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder := path.Dir(filepath.ToSlash(name))
		place, known := placeOf(folder)
		if !known {
			t.Errorf("%s: %q is no place of the house", name, folder)
		}
		seen[place]++
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if broken := brokenArrow(folder, imported); broken != "" {
				t.Errorf("%s: %s", name, broken)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for place := range house {
		if seen[place] == 0 {
			t.Errorf("no Go file was found in %q", place)
		}
	}
}

func TestHouseHasNoStrangersAtTheTop(t *testing.T) {
	t.Parallel()
	ignored, err := os.ReadFile(".gitignore")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !allowedAtTop(entry.Name(), strings.Fields(string(ignored))) {
			t.Errorf("%s does not belong at the top level", entry.Name())
		}
	}
}

// The rules themselves, on imports that nobody has written.
func TestBrokenArrow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		folder, imported string
		broken           bool
	}{
		{".", "parlor/models/embedded", false},
		{".", "parlor/router", false},
		{".", "go.mongodb.org/mongo-driver/v2/mongo", true},
		{"define", "time", false},
		{"define", "parlor/helper", true},
		{"helper", "parlor/define", false},
		{"helper", "parlor/models", true},
		{"models", "parlor/helper", false},
		{"models", "parlor/service", true},
		{"models", "parlor/models/embedded", true},
		{"models", "go.mongodb.org/mongo-driver/v2/bson", false},
		{"models", "github.com/cockroachdb/pebble/v2", true},
		{"models/embedded", "parlor/models/embedded/wire", false},
		{"models/embedded/wire", "parlor/models/embedded/query", false},
		{"models/embedded/wire", "parlor/define", true},
		{"models/embedded/wire", "parlor/models", true},
		{"models/embedded/wire", "go.mongodb.org/mongo-driver/v2/bson", false},
		{"models/embedded/storage", "github.com/cockroachdb/pebble/v2/vfs", false},
		{"service", "parlor/service/hub", false},
		{"service", "parlor/models", false},
		{"service", "parlor/models/embedded", true},
		{"service", "parlor/router/api", true},
		{"service", "parlor/middleware", true},
		{"service", "github.com/gin-gonic/gin", true},
		{"service", "github.com/gin-gonic/gin/binding", true},
		{"service", "github.com/gin-gonic/ginger", false},
		{"service", "github.com/gorilla/websocket", true},
		{"service", "go.mongodb.org/mongo-driver/v2/bson", true},
		{"service", "go.mongodb.org/mongo-driver/bson/primitive", true},
		{"service/hub", "parlor/define", false},
		{"service/hub", "parlor/service", true},
		{"service/hub", "parlor/helper", true},
		{"service/hub", "github.com/gorilla/websocket", true},
		{"middleware", "parlor/service", false},
		{"middleware", "parlor/service/hub", true},
		{"middleware", "parlor/models", true},
		{"middleware", "parlor/router", true},
		{"router", "parlor/router/api", false},
		{"router/ws", "parlor/router", false},
		{"router/ws", "parlor/service/hub", false},
		{"router/ws", "github.com/gorilla/websocket", false},
		{"router/api", "parlor/models", true},
		{"router/api", "go.mongodb.org/mongo-driver/v2/bson", true},
		{"utils", "time", true},
		{"router/turn", "github.com/pion/turn/v5", false},
		{"service", "github.com/pion/turn/v5", true},
		{"service", "parlor/utils", true},
		{"service", "parlorship/models", false},
	}
	for _, test := range tests {
		if got := brokenArrow(test.folder, test.imported); (got != "") != test.broken {
			t.Errorf("%q imports %q: got %q, want broken %v", test.folder, test.imported, got, test.broken)
		}
	}
}

func TestAllowedAtTop(t *testing.T) {
	t.Parallel()
	ignored := []string{"/data/", "*.out", "#", "parlor"}
	for name, want := range map[string]bool{
		"main.go": true, "define": true, "docs": true, "house_test.go": true, ".ci": true,
		"data": true, "cover.out": true, "parlor": true,
		"utils": false, "common": false, "pkg": false, "server.go": false, "Makefile": false, "models.go": false, "NOTES.md": false,
	} {
		if got := allowedAtTop(name, ignored); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}
