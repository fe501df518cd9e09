package wire

import "encoding/binary"

// ReplyStart appends the head of a reply of the kind that answers op, up to
// where its one document starts. ReplyEnd completes it.
func ReplyStart(dst []byte, op OpCode, requestID, responseTo int32) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, 0)
	dst = le.AppendUint32(dst, uint32(requestID))
	dst = le.AppendUint32(dst, uint32(responseTo))
	if op == OpQuery {
		const awaitCapable = 8
		dst = le.AppendUint32(dst, uint32(OpReply))
		dst = le.AppendUint32(dst, awaitCapable)
		dst = le.AppendUint64(dst, 0)
		dst = le.AppendUint32(dst, 0)
		return le.AppendUint32(dst, 1)
	}
	dst = le.AppendUint32(dst, uint32(OpMsg))
	dst = le.AppendUint32(dst, 0)
	return append(dst, 0)
}

// ReplyEnd writes the length of the message that starts at index.
func ReplyEnd(dst []byte, index int) []byte {
	binary.LittleEndian.PutUint32(dst[index:], uint32(len(dst)-index))
	return dst
}
