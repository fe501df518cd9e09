package storage

import (
	"errors"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fullRetry is how long a write waits between attempts on a full disk.
const fullRetry = 100 * time.Millisecond

// fullFS keeps a full disk from ending the process. The spaceGuard refuses writes
// before the disk is full, but others may fill it, and then:
//
//   - What Pebble can't take back, and panics over, waits here until there is room:
//     the log, the MANIFEST and the markers. New writes are refused meanwhile, those
//     under way wait, and reads go on.
//   - All else fails. Pebble deletes the table that it was writing, which makes room
//     for the log, and tries again. It would do so at once, so the error comes late.
type fullFS struct {
	vfs.FS
	onFull func(name string, err error)
}

// newFullFS wraps fs. onFull hears of every attempt that finds no room.
func newFullFS(fs vfs.FS, onFull func(name string, err error)) *fullFS {
	return &fullFS{FS: fs, onFull: onFull}
}

func noSpace(err error) bool {
	return vfs.IsNoSpaceError(err) || errors.Is(err, syscall.EDQUOT)
}

// vital reports whether Pebble can't go on without a file.
func (f *fullFS) vital(name string) bool {
	base := f.PathBase(name)
	return strings.HasSuffix(base, ".log") || strings.HasPrefix(base, "MANIFEST-") || strings.HasPrefix(base, "marker.")
}

// attempt runs op, again and again on a full disk if the file is vital.
func (f *fullFS) attempt(name string, vital bool, op func() error) error {
	for {
		err := op()
		if !noSpace(err) {
			return err
		}
		f.onFull(name, err)
		time.Sleep(fullRetry)
		if !vital {
			return err
		}
	}
}

// Create implements vfs.FS.
func (f *fullFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.open(name, func() (vfs.File, error) { return f.FS.Create(name, category) })
}

// ReuseForWrite implements vfs.FS.
func (f *fullFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.open(newname, func() (vfs.File, error) { return f.FS.ReuseForWrite(oldname, newname, category) })
}

func (f *fullFS) open(name string, create func() (vfs.File, error)) (vfs.File, error) {
	file := &fullFile{fs: f, name: name, vital: f.vital(name)}
	err := f.attempt(name, file.vital, func() (err error) {
		file.File, err = create()
		return err
	})
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Unwrap implements vfs.FS.
func (f *fullFS) Unwrap() vfs.FS { return f.FS }

// fullFile is a file that is written through a fullFS.
type fullFile struct {
	vfs.File
	fs    *fullFS
	name  string
	vital bool
}

// Write goes on after the bytes that a full disk still took.
func (f *fullFile) Write(p []byte) (written int, err error) {
	err = f.fs.attempt(f.name, f.vital, func() error {
		n, err := f.File.Write(p[written:])
		written += n
		return err
	})
	return written, err
}
