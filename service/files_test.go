package service

import (
	"strings"
	"testing"
	"unicode/utf8"

	"parlor/define"
)

func TestFileName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"photo.png": "photo.png", "照片.png": "照片.png", "a b.txt": "a b.txt", ".bashrc": ".bashrc", "a.tar.gz": "a.tar.gz", "../../x": "x",
		"/etc/passwd": "passwd", `C:\a\b.txt`: "b.txt", `..\..\x`: "x", "a/": "a", "": "file", ".": "file", "..": "file", "/": "file", `\`: "file", "  ": "file", " a ": "a",
		"a\r\nb": "ab", "a\x00b": "ab", "a\u202eb": "ab", "a\u200bb": "ab", "\xff\xfe": "file", "a\xffb": "ab", "😀": "😀",
		strings.Repeat("x", 500):                                  strings.Repeat("x", 200),
		strings.Repeat("x", 500) + ".jpeg":                        strings.Repeat("x", 195) + ".jpeg",
		strings.Repeat("x", 300) + "." + strings.Repeat("y", 300): strings.Repeat("x", 200),
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
}

func FuzzFileName(f *testing.F) {
	for _, name := range []string{"a.txt", `C:\x`, "a/b/..", "\u202e", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := fileName(name)
		if got == "" || !utf8.ValidString(got) || strings.ContainsAny(got, "/\\\r\n\x00") || utf8.RuneCountInString(got) > define.FileNameMax {
			t.Fatalf("%q became %q", name, got)
		}
		if again := fileName(got); again != got {
			t.Fatalf("%q became %q, and that %q", name, got, again)
		}
	})
}
