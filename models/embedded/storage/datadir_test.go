package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestRefusedDirectory opens directories that must not be taken for data, and none
// of them may be changed by the attempt.
func TestRefusedDirectory(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil func(t *testing.T, dir string)
		want  error
	}{
		"foreign file": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "*"))
			put(t, filepath.Join(dir, "notes.txt"), "mine")
		}, ErrForeign},
		"no format file": {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, formatFile)) }, ErrForeign},
		"random format file": {func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, formatFile), "\x00\x01\x02")
		}, ErrForeign},
		"newer format": {func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, formatFile), fmt.Sprintf("%s%d\n", formatPrefix, formatVersion+1))
		}, ErrNewer},
		"no manifest":        {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, dataFolder, "MANIFEST-*")) }, ErrDamaged},
		"no manifest marker": {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, dataFolder, "marker.manifest.*")) }, ErrDamaged},
		"no table":           {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, dataFolder, "*.sst")) }, ErrDamaged},
		"manifest cut off": {func(t *testing.T, dir string) {
			each(t, filepath.Join(dir, dataFolder, "MANIFEST-*"), func(name string) error { return os.Truncate(name, 10) })
		}, ErrDamaged},
		"empty manifest": {func(t *testing.T, dir string) {
			each(t, filepath.Join(dir, dataFolder, "MANIFEST-*"), func(name string) error { return os.Truncate(name, 0) })
		}, ErrDamaged},
		"manifest of something else": {func(t *testing.T, dir string) {
			each(t, filepath.Join(dir, dataFolder, "MANIFEST-*"), func(name string) error {
				return os.WriteFile(name, []byte("What is here was never a manifest, whatever its name may say."), 0o600)
			})
		}, ErrDamaged},
		"table cut off": {func(t *testing.T, dir string) {
			each(t, filepath.Join(dir, dataFolder, "*.sst"), func(name string) error { return os.Truncate(name, 100) })
		}, ErrDamaged},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			filled(t, dir)
			test.spoil(t, dir)
			before := listing(t, dir)
			o := testOptions
			o.Dir = dir
			s, err := Open(o)
			if err == nil {
				err = s.Close()
				t.Fatalf("opened; close: %v", err)
			}
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if after := listing(t, dir); after != before {
				t.Errorf("the directory held\n%snow\n%s", before, after)
			}
		})
	}
}

// filled makes a data directory with tables and a log.
func filled(t *testing.T, dir string) {
	t.Helper()
	o := testOptions
	o.Dir = dir
	for i := range 2 {
		s, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.Ensure(Namespace{"test", "things"})
		if err != nil {
			t.Fatal(err)
		}
		insert(t, c, true, bson.D{{Key: "_id", Value: i}})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func put(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, pattern string) {
	t.Helper()
	each(t, pattern, os.RemoveAll)
}

func each(t *testing.T, pattern string, f func(name string) error) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v, %v", pattern, names, err)
	}
	for _, name := range names {
		if err := f(name); err != nil {
			t.Fatal(err)
		}
	}
}

// listing gives the names and sizes of the files in dir, without locks.
func listing(t *testing.T, dir string) (out string) {
	t.Helper()
	err := filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && info.Name() != "LOCK" {
			out += fmt.Sprintf("%s %d\n", name, info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestStartCutShort opens what a first start leaves that ended at any point.
func TestStartCutShort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, formatFile+".tmp"), "mongodb-em")
	o := testOptions
	o.Dir = dir
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(dir, dataFolder, "*"))
	if s, err = Open(o); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
