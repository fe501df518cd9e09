package compat

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// connectNull connects to a server that does nothing: it says hello, and that all that it is told has
// worked. What the driver reaches there is the most that it can reach anywhere.
func connectNull(t testing.TB) *mongo.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hello := marshal(t, bson.D{
		{Key: "ok", Value: 1}, {Key: "isWritablePrimary", Value: true}, {Key: "helloOk", Value: true}, {Key: "maxWireVersion", Value: 21},
		{Key: "maxBsonObjectSize", Value: 16 << 20}, {Key: "maxMessageSizeBytes", Value: 48_000_000}, {Key: "maxWriteBatchSize", Value: 100_000},
	})
	done := marshal(t, bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 1}})
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer c.Close()
				answerAll(c, hello, done)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		conns.Wait()
	})
	return connect(t, options.Client().ApplyURI("mongodb://"+listener.Addr().String()+"/?directConnection=true"))
}

// answerAll answers the messages of a connection until it ends.
func answerAll(c net.Conn, hello, done []byte) {
	const headerSize, queryOp, replyOp = 16, 2004, 1
	le := binary.LittleEndian
	var message, reply []byte
	for {
		var header [headerSize]byte
		if _, err := io.ReadFull(c, header[:]); err != nil {
			return
		}
		message = append(message[:0], make([]byte, le.Uint32(header[:])-headerSize)...)
		if _, err := io.ReadFull(c, message); err != nil {
			return
		}
		answer := done
		if bytes.Contains(message[:min(len(message), 60)], []byte("ello\x00")) || bytes.Contains(message[:min(len(message), 60)], []byte("aster\x00")) {
			answer = hello
		}
		reply = append(reply[:0], make([]byte, headerSize)...)
		copy(reply[8:12], header[4:8])
		if le.Uint32(header[12:]) == queryOp {
			le.PutUint32(reply[12:], replyOp)
			reply = append(reply, make([]byte, 16)...)
			reply = le.AppendUint32(reply, 1)
		} else {
			copy(reply[12:16], header[12:16])
			reply = append(reply, 0, 0, 0, 0, 0)
		}
		reply = append(reply, answer...)
		le.PutUint32(reply, uint32(len(reply)))
		if _, err := c.Write(reply); err != nil {
			return
		}
	}
}

func marshal(t testing.TB, doc bson.D) []byte {
	t.Helper()
	raw, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
