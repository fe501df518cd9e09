// Package storage keeps the collections of a MongoDB-compatible server in Pebble:
// documents, their indexes, and the queries that read them.
package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// formatVersion is the version of the key layout and of the catalog.
	formatVersion = 1
	// formatFile marks a directory as ours and says its version.
	formatFile   = "FORMAT"
	formatPrefix = "mongodb-embedded "
	dataFolder   = "pebble"

	// pebbleFormat must stay below FormatWALSyncChunks: see walFS.
	pebbleFormat = pebble.FormatColumnarBlocks

	// memTableSize bounds the log that a start after a crash has to replay.
	memTableSize = 24 << 20
)

var (
	// ErrForeign means that a data directory holds something else.
	ErrForeign = errors.New("the directory is not empty and holds no data of this server")
	// ErrNewer means that a later version of this server wrote the data.
	ErrNewer = errors.New("the data was written by a newer version")
	// ErrInUse means that another process has the data directory open.
	ErrInUse = errors.New("the data directory is in use by another process")
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
}

// Open opens the store in o.Dir and creates it where there is none. Errors wrap
// ErrForeign, ErrNewer or ErrInUse where they apply.
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

func syncDir(name string) error {
	d, err := vfs.Default.OpenDir(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// openOn opens the store in a folder of a file system.
func openOn(base vfs.FS, folder string, o Options) (*Store, error) {
	s := &Store{dir: o.Dir, log: o.Logger}
	s.fs = newWALFS(base, func(err error) { s.log.Error("sync of the log failed", "error", err) })
	if err := s.openPebble(folder, o.CacheSize); err != nil {
		s.fs.Close()
		return nil, fmt.Errorf("data directory %s: %w", o.Dir, err)
	}
	s.space = newSpaceGuard(base, folder, o.Dir != "")
	if err := s.loadCatalog(); err != nil {
		return nil, errors.Join(fmt.Errorf("data directory %s: %w", o.Dir, err), s.Close())
	}
	return s, nil
}

// prepareDir checks that dir is ours, of a version that can be read, or new.
func prepareDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	marker := filepath.Join(dir, formatFile)
	content, err := os.ReadFile(marker)
	if errors.Is(err, os.ErrNotExist) {
		return markNew(dir, marker)
	}
	if err != nil {
		return err
	}
	number, ok := strings.CutPrefix(strings.TrimSpace(string(content)), formatPrefix)
	version, err := strconv.Atoi(number)
	switch {
	case !ok || err != nil:
		return ErrForeign
	case version > formatVersion:
		return fmt.Errorf("%w: format %d, this one reads %d", ErrNewer, version, formatVersion)
	}
	return nil
}

func markNew(dir, marker string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		// A start that was interrupted may have left its temporary file.
		if e.Name() != formatFile+".tmp" {
			return ErrForeign
		}
	}
	if err := writeSynced(marker+".tmp", fmt.Sprintf("%s%d\n", formatPrefix, formatVersion)); err != nil {
		return err
	}
	return os.Rename(marker+".tmp", marker)
}

func writeSynced(name, content string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Sync(), f.Close())
}

func (s *Store) openPebble(folder string, cacheSize int64) error {
	if err := s.fs.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	lock, err := pebble.LockDirectory(folder, s.fs)
	if err != nil {
		return fmt.Errorf("%w (%v)", ErrInUse, err)
	}
	options := &pebble.Options{
		FS:                          s.fs,
		Lock:                        lock,
		CacheSize:                   cacheSize,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0CompactionFileThreshold:   64,
		L0StopWritesThreshold:       40,
		LBaseMaxBytes:               64 << 20,
		MaxOpenFiles:                1000,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		FormatMajorVersion:          pebbleFormat,
		Logger:                      pebbleLogger{s.log},
	}
	options.Levels[0].FilterPolicy = bloom.FilterPolicy(10)
	options.Levels[0].BlockSize = 4 << 10
	options.Levels[0].IndexBlockSize = 64 << 10
	s.db, err = pebble.Open(folder, options)
	if err != nil {
		err = errors.Join(err, lock.Close())
		return fmt.Errorf("opening: %w", err)
	}
	// Pebble holds the lock from here; this reference only guarded the start.
	return lock.Close()
}

// Close flushes what is in memory and closes the files. No call may be under way.
func (s *Store) Close() error {
	err := s.db.Flush()
	err = errors.Join(err, s.db.Close())
	s.fs.Close()
	return err
}

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

// Fatalf must not return: the log can't be written, so nothing more can be
// acknowledged. mongod aborts there too.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	l.log.Error(message)
	panic(message)
}

func uint64Bytes(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Persistent reports whether the data outlives the process.
func (s *Store) Persistent() bool { return s.dir != "" }
