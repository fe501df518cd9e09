package storage

import (
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// walSyncInterval is how long an acknowledged write may be in the operating
// system's memory only. It is the interval at which mongod syncs its journal.
const walSyncInterval = 100 * time.Millisecond

// walFS makes the sync of a write-ahead log cheap: Sync of a *.log file only marks
// it dirty, and one goroutine syncs dirty logs every walSyncInterval and when
// Barrier asks. All other files sync at once.
//
// Why that is sound with Pebble v2:
//   - record.LogWriter writes all bytes of a record to the file before it calls
//     Sync for it, so a commit with pebble.Sync is in the page cache when it is
//     acknowledged, and survives the death of the process.
//   - A log is closed before the next one is created (StandaloneManager.Create
//     relies on it), and Close syncs here, so after power loss only the newest
//     log can have a torn tail, which replay takes for its end.
//   - Pages of the tail may reach the disk out of order. Replay must not take a
//     hole before intact records for corruption: the chunks that carry the synced
//     offset (FormatWALSyncChunks) would claim that, since they believe Sync. The
//     store therefore stays below that format version (see pebbleFormat;
//     TestPowerLoss fails without that).
//   - A recycled log starts out full of old records. Their chunks carry the old
//     log's number, and replay takes the first of them for the end, as it does
//     after any crash of Pebble, and fdatasync writes the size that reading needs.
//   - A failed sync is kept and given to the next Sync and to Barrier, so nothing
//     is acknowledged as if it had succeeded.
type walFS struct {
	vfs.FS
	onError func(error)

	mu      sync.Mutex
	files   map[*walFile]struct{}
	waiters []chan error
	kick    chan struct{}
	stop    chan struct{}
	stopped chan struct{}
}

// newWALFS wraps fs and starts the syncing goroutine, which stop ends. onError
// hears of a sync that failed.
func newWALFS(fs vfs.FS, onError func(error)) *walFS {
	w := &walFS{
		FS: fs, onError: onError, files: map[*walFile]struct{}{},
		kick: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go w.run()
	return w
}

// Close ends the syncing goroutine after a last round.
func (w *walFS) Close() {
	close(w.stop)
	<-w.stopped
}

// Barrier waits until everything that was written to a log before the call is on
// disk. Callers that wait together share one sync.
func (w *walFS) Barrier() error {
	done := make(chan error, 1)
	w.mu.Lock()
	w.waiters = append(w.waiters, done)
	w.mu.Unlock()
	select {
	case w.kick <- struct{}{}:
	default:
	}
	select {
	case err := <-done:
		return err
	case <-w.stopped:
		return os.ErrClosed
	}
}

func (w *walFS) run() {
	defer close(w.stopped)
	tick := time.NewTicker(walSyncInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-w.kick:
		case <-w.stop:
			w.round()
			return
		}
		w.round()
	}
}

// round syncs what is dirty and answers those who waited when it began.
func (w *walFS) round() {
	w.mu.Lock()
	waiters := w.waiters
	w.waiters = nil
	files := make([]*walFile, 0, len(w.files))
	for f := range w.files {
		files = append(files, f)
	}
	w.mu.Unlock()
	var failed error
	for _, f := range files {
		if err := f.flush(); err != nil {
			failed = err
			w.onError(err)
		}
	}
	for _, done := range waiters {
		done <- failed
	}
}

// Create implements vfs.FS.
func (w *walFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := w.FS.Create(name, category)
	return w.wrap(name, f, err)
}

// ReuseForWrite implements vfs.FS.
func (w *walFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := w.FS.ReuseForWrite(oldname, newname, category)
	return w.wrap(newname, f, err)
}

// Unwrap implements vfs.FS.
func (w *walFS) Unwrap() vfs.FS { return w.FS }

func (w *walFS) wrap(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil || !strings.HasSuffix(name, ".log") {
		return f, err
	}
	wf := &walFile{File: f, fs: w}
	w.mu.Lock()
	w.files[wf] = struct{}{}
	w.mu.Unlock()
	return wf, nil
}

// walFile is a log whose Sync is left to its walFS.
type walFile struct {
	vfs.File
	fs *walFS

	mu     sync.Mutex
	dirty  bool
	failed error

	// syncing keeps Close from closing the descriptor under a sync.
	syncing sync.Mutex
	closed  bool
}

// Sync marks the file dirty. It fails if an earlier real sync did.
func (f *walFile) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dirty = true
	return f.failed
}

// SyncData is Sync.
func (f *walFile) SyncData() error { return f.Sync() }

// SyncTo is Sync; it gives no guarantee, which its contract allows.
func (f *walFile) SyncTo(int64) (bool, error) { return false, f.Sync() }

// Preallocate does nothing: each log, and several are kept, would take the size of
// the largest memtable on disk, however small the data is.
func (f *walFile) Preallocate(int64, int64) error { return nil }

// Close syncs really, then closes.
func (f *walFile) Close() error {
	err := f.flush()
	// Only now: a Barrier that doesn't see the file any more must find it synced.
	f.fs.mu.Lock()
	delete(f.fs.files, f)
	f.fs.mu.Unlock()
	f.syncing.Lock()
	defer f.syncing.Unlock()
	f.closed = true
	if cerr := f.File.Close(); err == nil {
		err = cerr
	}
	return err
}

// flush syncs the file to disk if it is dirty.
func (f *walFile) flush() error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	f.mu.Lock()
	dirty, failed := f.dirty, f.failed
	f.dirty = false
	f.mu.Unlock()
	if f.closed || failed != nil || !dirty {
		return failed
	}
	err := f.File.SyncData()
	if err != nil {
		f.mu.Lock()
		f.failed = err
		f.mu.Unlock()
	}
	return err
}
