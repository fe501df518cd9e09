package storage

import (
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parlor/models/embedded/mongoerr"
)

const (
	// minFreeSpace is kept free on disk: Pebble can't take back a write to its log
	// that failed halfway, so writes are refused before the disk is full, and
	// flushes and compactions have room to finish.
	minFreeSpace  = 4 * memTableSize
	spaceInterval = time.Second
)

// spaceGuard says whether the disk has room for writes.
type spaceGuard struct {
	fs      vfs.FS
	dir     string
	enabled bool

	mu      sync.Mutex
	checked time.Time
	free    uint64
}

func newSpaceGuard(fs vfs.FS, dir string, enabled bool) *spaceGuard {
	return &spaceGuard{fs: fs, dir: dir, enabled: enabled}
}

// check fails with mongod's OutOfDiskSpace where too little is free. It asks the
// system at most once an interval.
func (g *spaceGuard) check() error {
	if !g.enabled {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.checked) >= spaceInterval {
		usage, err := g.fs.GetDiskUsage(g.dir)
		if err != nil {
			return err
		}
		g.free, g.checked = usage.AvailBytes, time.Now()
	}
	if g.free < minFreeSpace {
		return mongoerr.New(14031, "OutOfDiskSpace", "available disk space of %d bytes is less than required minimum of %d", g.free, int64(minFreeSpace))
	}
	return nil
}
