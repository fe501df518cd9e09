package storage

import (
	"errors"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parlor/models/embedded/mongoerr"
)

const (
	// minFreeSpace is kept free on disk, so that flushes and compactions of what is
	// already written have room to finish.
	minFreeSpace = 4 * memTableSize
	// spaceInterval is how old the answer of the system may be. In that time no
	// writer fills minFreeSpace.
	spaceInterval = 100 * time.Millisecond
	// refuseAfterFull is how long writes are refused after the disk was full, where
	// the system reports free space that this process doesn't get, as with quotas.
	refuseAfterFull = time.Second
)

// spaceGuard says whether the disk has room for writes.
type spaceGuard struct {
	fs  vfs.FS
	dir string

	mu      sync.Mutex
	checked time.Time
	free    uint64
}

func newSpaceGuard(fs vfs.FS, dir string) *spaceGuard { return &spaceGuard{fs: fs, dir: dir} }

// check fails with mongod's OutOfDiskSpace where too little is free.
func (g *spaceGuard) check() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.checked) >= spaceInterval {
		usage, err := g.fs.GetDiskUsage(g.dir)
		switch {
		case errors.Is(err, vfs.ErrUnsupported): // in memory
			usage.AvailBytes = minFreeSpace
		case err != nil:
			return err
		}
		g.free, g.checked = usage.AvailBytes, time.Now()
	}
	if g.free < minFreeSpace {
		return mongoerr.New(14031, "OutOfDiskSpace", "available disk space of %d bytes is less than required minimum of %d", g.free, int64(minFreeSpace))
	}
	return nil
}

// refuse lets check fail for a while.
func (g *spaceGuard) refuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.free, g.checked = 0, time.Now().Add(refuseAfterFull)
}

// DiskSpace gives the used and all bytes of the disk that the data is on, 0 where
// that isn't known.
func (s *Store) DiskSpace() (used, total uint64) {
	usage, err := s.space.fs.GetDiskUsage(s.space.dir)
	if err != nil {
		return 0, 0
	}
	return usage.UsedBytes, usage.TotalBytes
}
