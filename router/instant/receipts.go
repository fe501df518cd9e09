package instant

import (
	"context"
	"sync"
	"time"

	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

const (
	// receiptPause is for how long a client that was sent a message, or its rooms, hears nothing of what others have read.
	receiptPause = 500 * time.Millisecond
	// receiptDelay is how late a receipt may be where messages keep coming.
	receiptDelay = 5 * time.Second
	// receiptsHeld is how many may wait for one client.
	receiptsHeld = 200
)

// receipts are what a client is to hear of others' reading. The published client asks for its rooms at each message, and at
// each receipt shows the room as the rooms say that it has drawn last: a receipt in between makes it drop the message. One
// that follows a message of its own at once is not shown.
type receipts struct {
	mu    sync.Mutex
	after time.Time // the end of the pause
	since time.Time // when the first of held came
	held  []hub.Frame
}

// pauseReceipts begins the pause anew.
func (k *client) pauseReceipts() {
	k.receipts.mu.Lock()
	defer k.receipts.mu.Unlock()
	k.receipts.after = time.Now().Add(receiptPause)
}

// hold keeps a receipt until the pause is over. It reports whether it does; otherwise the receipt is due.
func (k *client) hold(receipt hub.Frame) bool {
	r := &k.receipts
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if len(r.held) == receiptsHeld || len(r.held) == 0 && !now.Before(r.after) {
		return false
	}
	r.held = append(r.held, receipt)
	if len(r.held) == 1 {
		r.since = now
		time.AfterFunc(r.after.Sub(now), k.release)
	}
	return true
}

// release sends what is held, unless there is another pause. Of a connection that has ended it sends nothing.
func (k *client) release() {
	r := &k.receipts
	r.mu.Lock()
	defer r.mu.Unlock()
	if wait := time.Until(r.after); wait > 0 && time.Since(r.since) < receiptDelay && k.conn.Open() {
		time.AfterFunc(wait, k.release)
		return
	}
	for _, receipt := range r.held {
		k.conn.Send(receipt)
	}
	r.held = nil
}

// receipt tells a client at a good moment of what another has read, and the reader himself at once.
func receipt(reader string, frame socket.Deferred) socket.Deferred {
	return func(ctx context.Context, viewer service.Caller) ([]hub.Frame, error) {
		if k, ok := viewer.Conn.Value().(*client); ok && viewer.User != reader && k.hold(frame) {
			return nil, nil
		}
		return frame(ctx, viewer)
	}
}

// arriving begins a pause with a message.
func arriving(message hub.Frame) socket.Deferred {
	return func(_ context.Context, viewer service.Caller) ([]hub.Frame, error) {
		if k, ok := viewer.Conn.Value().(*client); ok {
			k.pauseReceipts()
		}
		return []hub.Frame{message}, nil
	}
}
