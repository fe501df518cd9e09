package embedded

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// specFile is a file of MongoDB's unified test format.
type specFile struct {
	name string

	RunOn          []specRequirement `bson:"runOnRequirements"`
	CreateEntities bson.RawValue     `bson:"createEntities"`
	InitialData    []specData        `bson:"initialData"`
	Tests          []specTest        `bson:"tests"`
}

type specTest struct {
	Description  string            `bson:"description"`
	RunOn        []specRequirement `bson:"runOnRequirements"`
	Operations   []specOperation   `bson:"operations"`
	ExpectEvents []specEvents      `bson:"expectEvents"`
	Outcome      []specData        `bson:"outcome"`
	Unknown      specUnknown       `bson:",inline"`
}

// specUnknown are fields that the runner doesn't know, so that nothing in a test goes
// unchecked.
type specUnknown map[string]bson.RawValue

func (u specUnknown) refuse() error {
	if len(u) == 0 {
		return nil
	}
	return fmt.Errorf("the runner doesn't know the fields %v", slices.Sorted(maps.Keys(u)))
}

// specData is what a collection holds before or after a test.
type specData struct {
	Collection string     `bson:"collectionName"`
	Database   string     `bson:"databaseName"`
	Documents  []bson.Raw `bson:"documents"`
}

type specRequirement struct {
	MinVersion string        `bson:"minServerVersion"`
	MaxVersion string        `bson:"maxServerVersion"`
	Topologies []string      `bson:"topologies"`
	Serverless string        `bson:"serverless"`
	Auth       bool          `bson:"auth"`
	Parameters bson.Raw      `bson:"serverParameters"`
	Encryption bson.RawValue `bson:"csfle"`
}

// met reports whether a standalone server of Version, without users, is what the
// requirement asks for.
func (q specRequirement) met() bool {
	encrypted, isBool := q.Encryption.BooleanOK()
	return (q.MinVersion == "" || compareVersions(Version, q.MinVersion) >= 0) &&
		(q.MaxVersion == "" || compareVersions(Version, q.MaxVersion) <= 0) &&
		(q.Topologies == nil || slices.Contains(q.Topologies, "single")) &&
		q.Serverless != "require" && !q.Auth && len(q.Parameters) == 0 &&
		(q.Encryption.IsZero() || isBool && !encrypted)
}

func specMet(list []specRequirement) bool {
	return len(list) == 0 || slices.ContainsFunc(list, specRequirement.met)
}

// compareVersions compares the parts that b has.
func compareVersions(a, b string) int {
	left := strings.Split(a, ".")
	for i, part := range strings.Split(b, ".") {
		x, _ := strconv.Atoi(left[i])
		y, _ := strconv.Atoi(part)
		if c := cmp.Compare(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// specDir finds the folder with MongoDB's published tests, "" if there is none.
func specDir(t *testing.T) string {
	if dir := os.Getenv("PARLOR_MONGODB_SPEC"); dir != "" {
		return dir
	}
	dir := must(os.Getwd())(t)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			return ""
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(dir, "..", "shared", "mongodb-spec")
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	return dir
}

func readSpecs(t *testing.T, dir string) []*specFile {
	t.Helper()
	var files []*specFile
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" || strings.HasPrefix(d.Name(), "schema-") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f := &specFile{name: strings.TrimSuffix(filepath.ToSlash(name), ".json")}
		files = append(files, f)
		if err := bson.UnmarshalExtJSON(data, false, f); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// readSkipped reads the tests that don't pass yet, with the reasons. A line is
// `file/description: reason`.
func readSkipped(t *testing.T) map[string]string {
	t.Helper()
	f := must(os.Open(filepath.Join("testdata", "spec_skipped.txt")))(t)
	defer f.Close()
	skipped := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		i := strings.LastIndex(s.Text(), ": ")
		if i < 0 {
			t.Fatalf("no reason: %s", s.Text())
		}
		skipped[s.Text()[:i]] = s.Text()[i+2:]
	}
	return skipped
}

// TestSpec runs the tests that MongoDB publishes for drivers. What doesn't pass is
// listed in testdata/spec_skipped.txt, and a test that passes must not be there.
func TestSpec(t *testing.T) {
	t.Parallel()
	dir := specDir(t)
	if dir == "" {
		t.Skip("MongoDB's published tests are not there: put them beside the repository in shared/mongodb-spec, or name their folder in PARLOR_MONGODB_SPEC")
	}
	files, skipped := readSpecs(t, dir), readSkipped(t)
	names := map[string]bool{}
	for _, f := range files {
		for _, test := range f.Tests {
			names[f.name+"/"+test.Description] = true
		}
	}
	for name := range skipped {
		if !names[name] {
			t.Errorf("no such test, take it from the list: %s", name)
		}
	}
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), Options{CacheSize: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			closeAtEnd(t, s)
			for i := range f.Tests {
				test := &f.Tests[i]
				t.Run(test.Description, func(t *testing.T) {
					f.check(t, s, test, skipped[f.name+"/"+test.Description])
				})
			}
		})
	}
}

// check runs one test and compares the result with the list of skipped ones.
func (f *specFile) check(t *testing.T, s *Server, test *specTest, reason string) {
	if !specMet(f.RunOn) || !specMet(test.RunOn) {
		if reason != "" {
			t.Error("not for a standalone server, take it from the list")
		}
		t.Skip("not for a standalone server of this version")
	}
	err := f.run(t.Context(), s, test)
	switch {
	case err != nil && reason != "":
		t.Skipf("%s (%v)", reason, err)
	case err != nil:
		t.Error(err)
	case reason != "":
		t.Error("passes, take it from the list")
	}
}

func (f *specFile) run(ctx context.Context, s *Server, test *specTest) (err error) {
	if err := test.Unknown.refuse(); err != nil {
		return err
	}
	run := &specRun{server: s, entities: map[string]any{}}
	defer func() { err = errors.Join(err, run.close(ctx)) }()
	if err := run.prepare(ctx, f); err != nil {
		return fmt.Errorf("before the test: %w", err)
	}
	for i, o := range test.Operations {
		if err := run.operate(ctx, o); err != nil {
			return fmt.Errorf("operation %d, %s: %w", i, o.Name, err)
		}
	}
	for _, expected := range test.ExpectEvents {
		if err := run.checkEvents(expected); err != nil {
			return err
		}
	}
	return run.checkOutcome(ctx, test.Outcome)
}
