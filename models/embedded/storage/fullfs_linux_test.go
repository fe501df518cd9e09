package storage

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFullTmpfs fills a real file system.
func TestFullTmpfs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=160m"); err != nil {
		t.Skipf("mounting a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s, err := Open(Options{Dir: filepath.Join(dir, "data"), CacheSize: 1 << 20, Logger: testOptions.Logger})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Ensure(Namespace{"test", "things"})
	if err != nil {
		t.Fatal(err)
	}
	const n = 5000
	for i := range n {
		if err := write(c, thing(t, i)); err != nil {
			t.Fatal(err)
		}
	}
	filler := filepath.Join(dir, "filler")
	for err = nil; err == nil; {
		err = appendTo(filler, make([]byte, 1<<20))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	// What is in memory must go to a table, for which there is no room.
	flushed, err := s.db.AsyncFlush()
	if err != nil {
		t.Fatal(err)
	}
	if have := sound(t, c); have != int64(n) {
		t.Errorf("%d documents, %d were acknowledged", have, n)
	}
	s.space.forget()
	wantFull(t, write(c, thing(t, n)))
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	<-flushed
	s.space.forget()
	if err := write(c, thing(t, n)); err != nil {
		t.Error(err)
	}
	if have := sound(t, c); have != n+1 {
		t.Errorf("%d documents", have)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func appendTo(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}
