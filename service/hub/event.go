package hub

import "log/slog"

// Event is something that happened, before any way in has put it into its own words.
type Event struct {
	Op   string // define.Event…
	Data any    // what the dialects encode; must not be changed once published
}

// Frame is an event or an answer as a dialect writes it, ready for the socket. The hub only counts its bytes.
type Frame interface {
	Size() int
}

// Ping asks a Sink to send a keep-alive.
type Ping struct{}

// Size is next to nothing.
func (Ping) Size() int { return 2 }

// Dialect puts events into the words of one way in (the native socket, or one of the faces). It is compared by
// identity: connections that share a Dialect share each encoded frame.
type Dialect interface {
	// Encode returns the frame of an event, or nil where this dialect has no word for it.
	Encode(Event) (Frame, error)
}

// encodings remembers the frames of one event by dialect, so that each is made once.
type encodings struct {
	known []encoding
	first [2]encoding // room for the usual case without an allocation
}

type encoding struct {
	dialect Dialect
	frame   Frame
}

// of returns the frame of an event in a dialect, nil where there is none.
func (e *encodings) of(d Dialect, event Event, log *slog.Logger) Frame {
	for i := range e.known {
		if e.known[i].dialect == d {
			return e.known[i].frame
		}
	}
	if e.known == nil {
		e.known = e.first[:0]
	}
	frame := encode(d, event, log)
	e.known = append(e.known, encoding{d, frame})
	return frame
}

// encode logs what a dialect can't say, which is a fault of the program, and returns nil for it.
func encode(d Dialect, event Event, log *slog.Logger) Frame {
	frame, err := d.Encode(event)
	if err != nil {
		log.Error("an event could not be encoded", "op", event.Op, "error", err)
		return nil
	}
	return frame
}
