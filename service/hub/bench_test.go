package hub_test

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"parlor/service/hub"
)

// drain is a Sink that takes everything at once.
type drain struct{ taken *atomic.Int64 }

func (d drain) Write(frames []hub.Frame) error {
	d.taken.Add(int64(len(frames)))
	return nil
}
func (drain) Flush() error          { return nil }
func (drain) Close(hub.CloseReason) {}
func (drain) Abort()                {}

// BenchmarkPublish carries events into the queues of one room's members, whose writers run at the same time. One
// operation is one event.
func BenchmarkPublish(b *testing.B) {
	for _, members := range []int{50, 500} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			h := hub.New(hub.Options{QueueFrames: 1 << 30, QueueBytes: 1 << 40, Log: slog.New(slog.DiscardHandler)})
			d := newDialect()
			var taken atomic.Int64
			users := make([]string, members)
			for i := range users {
				users[i] = fmt.Sprintf("0193e2a4-7d1b-7c3e-9f00-%012d", i)
				c, err := h.Connect(hub.Client{User: users[i], Expires: time.Now().Add(time.Hour), Dialect: d, Sink: drain{&taken}}, hub.Event{Op: "ready"})
				if err != nil {
					b.Fatal(err)
				}
				defer c.Drop()
			}
			d.encoded.Store(0)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				publish(h, "event", users...)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N*members)/b.Elapsed().Seconds(), "deliveries/s")
			if d.encoded.Load() != int64(b.N) {
				b.Errorf("%d events were encoded %d times", b.N, d.encoded.Load())
			}
		})
	}
}
