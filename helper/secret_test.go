package helper

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecretIsMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, "secret")
	first, err := LoadOrCreateSecret(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadOrCreateSecret(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 64 || !bytes.Equal(first, second) {
		t.Errorf("made %d bytes, then read %d; want the same 64", len(first), len(second))
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode is %v", info.Mode())
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files are left, want the secret alone", len(entries))
	}
	other, err := LoadOrCreateSecret(filepath.Join(t.TempDir(), "secret"))
	if err != nil || bytes.Equal(first, other) {
		t.Errorf("two secrets are the same (%v)", err)
	}
}

func TestSecretFileOfOperatorIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	want := strings.Repeat("k", 32)
	secret, err := LoadOrCreateSecret(writeFile(t, "secret", want+"\r\n"))
	if err != nil || string(secret) != want {
		t.Errorf("got %q, %v", secret, err)
	}
}

func TestUnsafeSecretIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, content string
		mode          os.FileMode
		want          string
	}{
		{"short", strings.Repeat("k", 31) + "\n", 0o600, "too short: 31 bytes"},
		{"empty", "", 0o600, "too short: 0 bytes"},
		{"readable by all", strings.Repeat("k", 32), 0o644, "mode 0644"},
		{"writable by all", strings.Repeat("k", 32), 0o602, "mode 0602"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := writeFile(t, "secret", test.content)
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			_, err := LoadOrCreateSecret(path)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
			if content, _ := os.ReadFile(path); string(content) != test.content {
				t.Error("the file was changed")
			}
		})
	}
}

func TestSecretThatCannotBeKeptIsAnError(t *testing.T) {
	t.Parallel()
	notDirectory := writeFile(t, "file", "")
	if _, err := LoadOrCreateSecret(filepath.Join(notDirectory, "secret")); err == nil {
		t.Error("a secret that is kept nowhere was returned")
	}
}
