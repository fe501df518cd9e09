package ws

import (
	"context"

	"parlor/helper"
	"parlor/service"
)

// answering makes an op of a call that answers before it tells others, so that its client hears of a call in the order in
// which it changes.
func answering[In, Out any](call func(context.Context, *socket, In, func(Out, error))) op {
	return func(s *socket, data []byte, a *answer) {
		var in In
		if err := helper.DecodeJSON(data, &in); err != nil {
			a.give(nil, err)
			return
		}
		call(s.server.ctx, s, in, func(out Out, err error) { a.give(out, err) })
	}
}

func callStart(ctx context.Context, s *socket, in service.CallStartInput, done func(service.Call, error)) {
	s.server.o.Calls.Start(ctx, s.caller, in, done)
}

func callAccept(ctx context.Context, s *socket, in service.CallInput, done func(service.Call, error)) {
	s.server.o.Calls.Accept(ctx, s.caller, in, done)
}

func callDecline(ctx context.Context, s *socket, in service.CallInput, done func(service.Call, error)) {
	s.server.o.Calls.Decline(ctx, s.caller, in, done)
}

func callEnd(ctx context.Context, s *socket, in service.CallInput, done func(service.Call, error)) {
	s.server.o.Calls.End(ctx, s.caller, in, done)
}

func callSignal(ctx context.Context, s *socket, in service.CallSignalInput, done func(service.Call, error)) {
	s.server.o.Calls.Signal(ctx, s.caller, in, done)
}
