package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parlor/define"
	"parlor/models"
	"parlor/models/embedded"
)

// BenchmarkColdStart runs the program until its first answered request, and then kills it, so that each start but the
// first has a log to replay.
func BenchmarkColdStart(b *testing.B) {
	for _, messages := range []int{0, 1_000_000} {
		b.Run(fmt.Sprintf("messages=%d", messages), func(b *testing.B) {
			dir := b.TempDir()
			fill(b, filepath.Join(dir, "data", "mongodb"), messages)
			b.ResetTimer()
			for range b.N {
				p := start(b, dir)
				response, err := http.Get("http://" + p.address + "/healthz")
				if err != nil || response.StatusCode != http.StatusOK {
					b.Fatalf("%v %v", response, err)
				}
				response.Body.Close()
				b.StopTimer()
				if err := p.end(os.Kill); err == nil {
					b.Fatal("the program was not killed")
				}
				b.StartTimer()
			}
		})
	}
}

// fill stores messages of 300 bytes in a hundred rooms.
func fill(b *testing.B, dir string, messages int) {
	b.Helper()
	if messages == 0 {
		return
	}
	ctx := context.Background()
	server, err := embedded.Open(ctx, embedded.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	store, err := models.Open(ctx, models.Options{Dial: server.Dial, Database: define.DefaultConfig().MongoDB.Database})
	if err != nil {
		b.Fatal(err)
	}
	const rooms, batch = 100, 1000
	documents := make([]*models.Message, batch)
	for first := 0; first < messages; first += batch {
		for i := range documents {
			n := first + i
			documents[i] = &models.Message{
				Identity: int64(n + 1), RoomIdentity: fmt.Sprintf("01a1fc51-bff8-78c4-bbf8-%012d", n%rooms), Seq: int64(n/rooms + 1),
				UserIdentity: "01a1fc51-bfb5-7507-9649-850cb27b15df", Type: define.MessageText, Data: strings.Repeat("x", 120),
				CreatedAt: time.Now().UnixMilli(), UpdatedAt: time.Now().UnixMilli(),
			}
		}
		if n, err := store.Messages.InsertBatch(ctx, documents); err != nil {
			b.Fatal(n, err)
		}
	}
	if err := store.Close(ctx); err != nil {
		b.Fatal(err)
	}
	if err := server.Close(ctx); err != nil {
		b.Fatal(err)
	}
}
