// Package storage keeps the collections of a MongoDB-compatible server in Pebble:
// documents, their indexes, and the queries that read them.
package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// pebbleFormat must stay below FormatWALSyncChunks: see walFS.
	pebbleFormat = pebble.FormatColumnarBlocks

	// memTableSize bounds the log that a start after a crash has to replay, and
	// memTables the memory of what is not yet in tables.
	memTableSize = 24 << 20
	memTables    = 4

	// l0Threshold is twice the number of overlapping runs that the first level holds
	// before they are merged into the next. Waiting for more merges each less often.
	l0Threshold = 8

	// blockSize is small, since the documents of a page lie in as many blocks.
	// Against 4 KB a page of 50 takes a tenth less time where the cache is cold.
	blockSize = 2 << 10
)

// Options says where and how data is kept.
type Options struct {
	Dir       string // "" keeps everything in memory
	CacheSize int64  // bytes of the block cache
	Logger    *slog.Logger
}

// Store is the databases of one data directory.
type Store struct {
	db    *pebble.DB
	fs    *walFS
	dir   string
	log   *slog.Logger
	space *spaceGuard

	// ddl serializes changes of the catalog.
	ddl     sync.Mutex
	nextID  uint32
	catalog atomic.Pointer[catalog]

	keysExamined, docsExamined atomic.Int64
}

// Open opens the store in o.Dir and creates it where there is none. Errors wrap
// ErrForeign, ErrNewer, ErrInUse or ErrDamaged where they apply.
func Open(o Options) (*Store, error) {
	if o.Dir == "" {
		return openOn(vfs.NewMem(), dataFolder, o)
	}
	if err := prepareDir(o.Dir); err != nil {
		return nil, fmt.Errorf("data directory %s: %w", o.Dir, err)
	}
	s, err := openOn(vfs.Default, filepath.Join(o.Dir, dataFolder), o)
	if err != nil {
		return nil, err
	}
	// The names of the marker and of the folder must survive loss of power too.
	if err := syncDir(o.Dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openOn opens the store in a folder of a file system.
func openOn(base vfs.FS, folder string, o Options) (*Store, error) {
	s := &Store{dir: o.Dir, log: o.Logger}
	s.space = newSpaceGuard(base, folder)
	full := newFullFS(base, func(name string, err error) {
		s.space.refuse()
		s.log.Error("the disk is full", "file", name, "error", err)
	})
	s.fs = newWALFS(full, func(err error) { s.log.Error("sync of the log failed", "error", err) })
	if err := s.openPebble(folder, o.CacheSize); err != nil {
		s.fs.Close()
		return nil, fmt.Errorf("data directory %s: %w", o.Dir, err)
	}
	if err := s.loadCatalog(); err != nil {
		return nil, errors.Join(fmt.Errorf("data directory %s: %w", o.Dir, err), s.Close())
	}
	if err := s.dropTemporary(); err != nil {
		return nil, errors.Join(fmt.Errorf("data directory %s: %w", o.Dir, err), s.Close())
	}
	return s, nil
}

func (s *Store) openPebble(folder string, cacheSize int64) error {
	if err := s.fs.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	lock, err := pebble.LockDirectory(folder, s.fs)
	if err != nil {
		return fmt.Errorf("%w (%v)", ErrInUse, err)
	}
	if err := checkComplete(s.fs, folder); err != nil {
		return errors.Join(err, lock.Close())
	}
	options := &pebble.Options{
		FS:                          s.fs,
		Lock:                        lock,
		CacheSize:                   cacheSize,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: memTables,
		L0CompactionThreshold:       l0Threshold,
		L0CompactionFileThreshold:   64,
		L0StopWritesThreshold:       40,
		LBaseMaxBytes:               64 << 20,
		MaxOpenFiles:                1000,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		// A drop gives its space back even where no writes follow it, as on a full disk.
		FlushDelayDeleteRange: time.Second,
		FormatMajorVersion:    pebbleFormat,
		Logger:                pebbleLogger{s.log},
	}
	options.Levels[0].FilterPolicy = bloom.FilterPolicy(10)
	options.Levels[0].BlockSize = blockSize
	options.Levels[0].IndexBlockSize = 64 << 10
	s.db, err = pebble.Open(folder, options)
	if err != nil {
		// Pebble has no one error for damage; what the system refuses is none.
		if number := syscall.Errno(0); !errors.As(err, &number) || number == syscall.ENOENT {
			err = fmt.Errorf("%w (%w)", ErrDamaged, err)
		}
		return errors.Join(fmt.Errorf("opening: %w", err), lock.Close())
	}
	// Pebble holds the lock from here; this reference only guarded the start.
	return lock.Close()
}

// Close flushes what is in memory and closes the files. No call may be under way.
func (s *Store) Close() error {
	var err error
	// On a full disk a flush would wait for room. The log has it all.
	if s.space.check() == nil {
		err = s.db.Flush()
	}
	err = errors.Join(err, s.db.Close())
	s.fs.Close()
	return err
}

// Examined gives how many index keys and documents the finished scans have looked at.
func (s *Store) Examined() (keys, docs int64) { return s.keysExamined.Load(), s.docsExamined.Load() }

// Barrier waits until every write acknowledged so far survives loss of power.
func (s *Store) Barrier() error { return s.fs.Barrier() }

func (s *Store) get(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append([]byte{}, v...), nil
}

// pebbleLogger passes Pebble's messages on. Its news of ordinary work is debug.
type pebbleLogger struct{ log *slog.Logger }

func (l pebbleLogger) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug(fmt.Sprintf(format, args...))
	}
}

func (l pebbleLogger) Errorf(format string, args ...any) { l.log.Error(fmt.Sprintf(format, args...)) }

// Fatalf must not return: a file that the data rests on can't be written or read, so
// nothing more can be acknowledged. mongod aborts there too. A full disk is no such
// case (see fullFS).
func (l pebbleLogger) Fatalf(format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	l.log.Error(message)
	panic(message)
}

func uint64Bytes(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Persistent reports whether the data outlives the process.
func (s *Store) Persistent() bool { return s.dir != "" }
