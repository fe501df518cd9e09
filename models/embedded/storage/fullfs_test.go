package storage

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

// smallDisk is a file system on a disk that takes so many more bytes. What a write
// has no room for is cut off, as on a real disk. reported is the free space that it
// claims to have.
type smallDisk struct {
	vfs.FS
	room     atomic.Int64
	reported atomic.Uint64
	refused  chan struct{} // hears of the first write without room
}

func newSmallDisk(room int64, reported uint64) *smallDisk {
	d := &smallDisk{FS: vfs.NewMem(), refused: make(chan struct{}, 1)}
	d.room.Store(room)
	d.reported.Store(reported)
	return d
}

func (d *smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.reported.Load(), TotalBytes: 1 << 40}, nil
}

func (d *smallDisk) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if d.take(1) == 0 {
		return nil, &os.PathError{Op: "create", Path: name, Err: syscall.ENOSPC}
	}
	return d.wrap(d.FS.Create(name, category))
}

func (d *smallDisk) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return d.wrap(d.FS.ReuseForWrite(oldname, newname, category))
}

func (d *smallDisk) wrap(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &smallDiskFile{File: f, disk: d}, nil
}

// take takes up to n bytes of the room.
func (d *smallDisk) take(n int64) int64 {
	for {
		room := d.room.Load()
		got := min(n, max(room, 0))
		if !d.room.CompareAndSwap(room, room-got) {
			continue
		}
		if got < n {
			select {
			case d.refused <- struct{}{}:
			default:
			}
		}
		return got
	}
}

type smallDiskFile struct {
	vfs.File
	disk *smallDisk
}

func (f *smallDiskFile) Write(p []byte) (int, error) {
	got := f.disk.take(int64(len(p)))
	n, err := f.File.Write(p[:got])
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	return n, err
}

func openThings(t *testing.T, fs vfs.FS) (*Store, *Collection) {
	t.Helper()
	s, err := openOn(fs, dataFolder, testOptions)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Ensure(Namespace{"test", "things"})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ParseIndexSpec(raw(t, bson.D{{Key: "key", Value: bson.D{{Key: "tags", Value: 1}}}, {Key: "name", Value: "tags_1"}}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.CreateIndexes(t.Context(), []IndexSpec{spec}); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func thing(t testing.TB, id int) bson.Raw {
	t.Helper()
	return raw(t, bson.D{{Key: "_id", Value: id}, {Key: "tags", Value: bson.A{id % 5, "x"}}, {Key: "text", Value: strings.Repeat("x", 5000)}})
}

// write inserts a document in a command of its own.
func write(c *Collection, doc bson.Raw) error {
	w, err := c.Begin()
	if err != nil {
		return err
	}
	return errors.Join(w.Insert(doc), w.Commit(false))
}

func wantFull(t *testing.T, err error) {
	t.Helper()
	var full *mongoerr.Error
	if !errors.As(err, &full) || full.Code != 14031 || full.Name != "OutOfDiskSpace" {
		t.Errorf("write to a full disk: %v", err)
	}
}

// TestLittleSpace refuses writes before the disk is full.
func TestLittleSpace(t *testing.T) {
	t.Parallel()
	disk := newSmallDisk(1<<40, 1<<40)
	s, c := openThings(t, disk)
	defer s.Close()
	if err := write(c, thing(t, 1)); err != nil {
		t.Fatal(err)
	}
	begun, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	disk.reported.Store(minFreeSpace - 1)
	s.space.forget()
	if err := begun.Insert(thing(t, 2)); err != nil {
		t.Fatal(err)
	}
	wantFull(t, begun.Commit(false))
	wantFull(t, write(c, thing(t, 2)))
	_, err = s.Create(Namespace{"test", "other"}, CollectionOptions{})
	wantFull(t, err)
	if n := sound(t, c); n != 1 {
		t.Errorf("%d documents", n)
	}
	disk.reported.Store(minFreeSpace)
	s.space.forget()
	if err := write(c, thing(t, 2)); err != nil {
		t.Error(err)
	}
}

// TestFullDisk lets others fill the disk, at several points of a load, so that it is
// full before anybody could know.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, room := range []int64{100_000, 1<<20 + 123, 6 << 20} {
		t.Run(fmt.Sprint(room), func(t *testing.T) {
			t.Parallel()
			fillUp(t, newSmallDisk(room, 1<<40))
		})
	}
}

func fillUp(t *testing.T, disk *smallDisk) {
	s, c := openThings(t, disk)
	written := make(chan int)
	go func() {
		n := 0
		for write(c, thing(t, n)) == nil {
			n++
		}
		written <- n
	}()
	<-disk.refused
	for s.space.check() == nil {
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
	wantFull(t, write(c, thing(t, -1)))
	filter := parsed(t, bson.D{{Key: "tags", Value: 3}})
	if n, err := countAll(t, c, filter); err != nil || n == 0 {
		t.Errorf("found %d, %v", n, err)
	}
	disk.room.Store(1 << 40)
	n := <-written
	s.space.forget()
	if err := write(c, thing(t, n+1)); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if have := sound(t, c); have < int64(n) {
		t.Errorf("%d documents, %d were acknowledged", have, n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s, err := openOn(disk, dataFolder, testOptions)
	if err != nil {
		t.Fatal(err)
	}
	if have := sound(t, s.Collection(c.NS)); have < int64(n) {
		t.Errorf("%d documents after a start, %d were acknowledged", have, n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// forget lets the guard ask the system again at once.
func (g *spaceGuard) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.checked = time.Time{}
}
