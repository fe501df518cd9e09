package ws

import (
	"context"

	"parlor/helper"
	"parlor/service"
)

// answering makes an op of a call that answers before it tells others, so that its client hears of a call in the order in
// which it changes.
func answering[In, Out any](call func(context.Context, *client, In, func(Out, error))) op {
	return func(c *client, data []byte, a *answer) {
		var in In
		if err := helper.DecodeJSON(data, &in); err != nil {
			a.give(nil, err)
			return
		}
		call(c.server.o.Sockets.Context(), c, in, func(out Out, err error) { a.give(out, err) })
	}
}

func callStart(ctx context.Context, c *client, in service.CallStartInput, done func(service.Call, error)) {
	c.server.o.Calls.Start(ctx, c.caller, in, done)
}

func callAccept(ctx context.Context, c *client, in service.CallInput, done func(service.Call, error)) {
	c.server.o.Calls.Accept(ctx, c.caller, in, done)
}

func callDecline(ctx context.Context, c *client, in service.CallInput, done func(service.Call, error)) {
	c.server.o.Calls.Decline(ctx, c.caller, in, done)
}

func callEnd(ctx context.Context, c *client, in service.CallInput, done func(service.Call, error)) {
	c.server.o.Calls.End(ctx, c.caller, in, done)
}

func callSignal(ctx context.Context, c *client, in service.CallSignalInput, done func(service.Call, error)) {
	c.server.o.Calls.Signal(ctx, c.caller, in, done)
}
