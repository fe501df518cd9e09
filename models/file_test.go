package models

import (
	"testing"
)

// What is read before a deletion is decided must still hold when it is carried out, in whatever order others come between.
func TestDeletionsNoticeWhatCameBetween(t *testing.T) {
	t.Parallel()
	s, _ := openWatched(t)
	ctx := t.Context()
	file := File{Identity: "f", SHA256: "h", LooseSince: 1}
	blob := Blob{SHA256: "h", Content: "c", Uses: 1}
	check := func(what string, want bool, got bool, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", what, got, err, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.Files.Insert(ctx, &file))
	must(s.Blobs.Insert(ctx, &blob))

	must(s.Files.Hold(ctx, map[string]int{"f": 2}, 5))
	deleted, err := s.Files.Delete(ctx, &file)
	check("held meanwhile", false, deleted, err)
	must(s.Files.Release(ctx, map[string]int{"f": 2}))
	deleted, err = s.Files.Delete(ctx, &file)
	check("held and released meanwhile", false, deleted, err)
	read, err := s.Files.Get(ctx, "f")
	must(err)
	if read.Held != 2 || read.Released != 2 || read.HeldAt != 5 {
		t.Errorf("held %+v", read)
	}
	must(s.Files.Loosen(ctx, []string{"f"}, 7))
	must(s.Files.Fasten(ctx, &read))
	if again, err := s.Files.Get(ctx, "f"); err != nil || again.LooseSince != 7 {
		t.Errorf("loosened meanwhile, it was fastened: %+v, %v", again, err)
	}
	deleted, err = s.Files.Delete(ctx, &read)
	check("nothing came between", true, deleted, err)
	if err := s.Files.Hold(ctx, map[string]int{"f": 1}, 5); err != ErrNotFound {
		t.Errorf("what is gone was held: %v", err)
	}

	_, err = s.Blobs.Use(ctx, "h")
	must(err)
	deleted, err = s.Blobs.Delete(ctx, &blob)
	check("used meanwhile", false, deleted, err)
	used, err := s.Blobs.Get(ctx, "h")
	must(err)
	deleted, err = s.Blobs.Delete(ctx, &used)
	check("not used since", true, deleted, err)

	must(s.Contents.Forsake(ctx, []string{"c", "d"}, 10))
	must(s.Contents.Forsake(ctx, []string{"d"}, 20))
	must(s.Contents.KeepOld(ctx, []string{"c", "d"}, 15))
	if strays, err := s.Contents.Strays(ctx, 100, 10); err != nil || len(strays) != 1 || strays[0] != "d" {
		t.Errorf("stray are %q, %v", strays, err)
	}
}
