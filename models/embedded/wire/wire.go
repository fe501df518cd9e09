// Package wire reads and writes MongoDB wire protocol messages: OP_MSG, plain or
// in OP_COMPRESSED, and OP_QUERY with its OP_REPLY for the hello that old drivers
// open with.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Limits of the protocol, as hello announces them.
const (
	MaxMessageSize  = 48_000_000
	MaxDocumentSize = 16 * 1024 * 1024
	// maxCommandSize leaves a command that carries the largest document inline
	// room for its own fields, as mongod does.
	maxCommandSize = MaxDocumentSize + 16*1024
)

// OpCode is the type of a message.
type OpCode int32

// The message types that this package knows.
const (
	OpReply OpCode = 1
	OpQuery OpCode = 2004
	OpMsg   OpCode = 2013
)

// Flag is a bit of an OP_MSG.
type Flag uint32

// The flags of an OP_MSG. A receiver must refuse bits 0 to 15 that it doesn't
// know and ignore the others.
const (
	ChecksumPresent Flag = 1 << 0
	MoreToCome      Flag = 1 << 1
	ExhaustAllowed  Flag = 1 << 16

	requiredBits = Flag(0xffff)
	knownBits    = ChecksumPresent | MoreToCome
)

const (
	headerSize   = 16
	flagsSize    = 4
	checksumSize = 4
)

// ErrMalformed is wrapped by every error about the bytes of a message. The
// stream can't be trusted after one.
var ErrMalformed = errors.New("malformed message")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Sequence is a section of kind 1: documents under the name of a command's
// field.
type Sequence struct {
	Field     string
	Documents []bson.Raw
}

// ProtocolError is a message that is framed rightly but contradicts itself. It may
// be answered. The codes are mongod's.
type ProtocolError struct {
	Code   int32
	Reason string
}

func (e *ProtocolError) Error() string { return e.Reason }

// Message is a request. Its documents are valid BSON and share the memory of
// the buffer that it was read into, or have their own if it was compressed.
type Message struct {
	RequestID int32
	Op        OpCode
	Flags     Flag
	Body      bson.Raw
	Sequences []Sequence
	// Collection is the full collection name of an OP_QUERY.
	Collection string
	// Compressor is what the message was compressed with, NoCompressor without.
	Compressor Compressor
}

// Read reads one message of at most limit bytes, unpacked, from r into buf, growing
// it where it is too small. It returns the buffer for the next call, and io.EOF
// where the stream ends between two messages. A DocumentError (a document that
// isn't valid BSON) and a ProtocolError leave the message complete: it may be
// answered.
func Read(r io.Reader, buf []byte, limit int) (Message, []byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return Message{}, buf, err
	}
	length := int64(int32(binary.LittleEndian.Uint32(size[:])))
	if length < headerSize || length > int64(limit) {
		return Message{}, buf, fmt.Errorf("%w: length %d", ErrMalformed, length)
	}
	buf, err := readBody(r, append(buf[:0], size[:]...), int(length))
	if err != nil {
		return Message{}, buf, err
	}
	m, err := decode(buf, limit)
	return m, buf, err
}

// readBody fills buf up to length. It grows in steps as the bytes arrive, so
// that a length alone reserves no memory.
func readBody(r io.Reader, buf []byte, length int) ([]byte, error) {
	const step = 1 << 20
	for len(buf) < length {
		from := len(buf)
		to := min(length, max(cap(buf), from+step))
		if to > cap(buf) {
			grown := make([]byte, from, min(length, max(2*cap(buf), to)))
			copy(grown, buf)
			buf = grown
		}
		buf = buf[:to]
		if _, err := io.ReadFull(r, buf[from:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return buf, err
		}
	}
	return buf, nil
}

// Decode parses a whole message. The result shares b's memory unless b is
// compressed.
func Decode(b []byte) (Message, error) { return decode(b, MaxMessageSize) }

func decode(b []byte, limit int) (Message, error) {
	if len(b) < headerSize || len(b) > limit || int(int32(binary.LittleEndian.Uint32(b))) != len(b) {
		return Message{}, fmt.Errorf("%w: length doesn't fit its %d bytes", ErrMalformed, len(b))
	}
	m := Message{
		RequestID:  int32(binary.LittleEndian.Uint32(b[4:])),
		Op:         OpCode(binary.LittleEndian.Uint32(b[12:])),
		Compressor: NoCompressor,
	}
	if m.Op == OpCompressed {
		var err error
		if b, m.Compressor, err = decompress(b, limit); err != nil {
			return m, err
		}
		m.Op = OpCode(binary.LittleEndian.Uint32(b[12:]))
	}
	switch m.Op {
	case OpMsg:
		err := decodeMsg(&m, b)
		return m, err
	case OpQuery:
		err := decodeQuery(&m, b[headerSize:])
		return m, err
	}
	return m, fmt.Errorf("%w: opcode %d is not supported", ErrMalformed, m.Op)
}

func decodeMsg(m *Message, b []byte) error {
	if len(b) < headerSize+flagsSize {
		return fmt.Errorf("%w: no flags", ErrMalformed)
	}
	m.Flags = Flag(binary.LittleEndian.Uint32(b[headerSize:]))
	if unknown := m.Flags & requiredBits &^ knownBits; unknown != 0 {
		return fmt.Errorf("%w: unknown required flags %#x", ErrMalformed, uint32(unknown))
	}
	sections := b[headerSize+flagsSize:]
	if m.Flags&ChecksumPresent != 0 {
		if len(sections) < checksumSize {
			return fmt.Errorf("%w: no checksum", ErrMalformed)
		}
		end := len(b) - checksumSize
		if crc32.Checksum(b[:end], castagnoli) != binary.LittleEndian.Uint32(b[end:]) {
			return fmt.Errorf("%w: checksum doesn't match contents", ErrMalformed)
		}
		sections = sections[:len(sections)-checksumSize]
	}
	var invalid error
	for len(sections) > 0 {
		kind := sections[0]
		var err error
		switch kind {
		case 0:
			if m.Body != nil {
				return fmt.Errorf("%w: two bodies", ErrMalformed)
			}
			m.Body, sections, err = takeDocument(sections[1:])
		case 1:
			sections, err = takeSequence(m, sections[1:])
		default:
			return fmt.Errorf("%w: section kind %d", ErrMalformed, kind)
		}
		if answerable(err) {
			invalid = err
		} else if err != nil {
			return err
		}
	}
	if m.Body == nil {
		return fmt.Errorf("%w: no body", ErrMalformed)
	}
	if invalid != nil {
		return invalid
	}
	for _, s := range m.Sequences {
		if _, err := m.Body.LookupErr(s.Field); err == nil {
			return &ProtocolError{40433, fmt.Sprintf("Duplicate field between body and document sequence %s", s.Field)}
		}
	}
	return nil
}

// answerable reports whether an error leaves the message complete.
func answerable(err error) bool {
	var bad *DocumentError
	var protocol *ProtocolError
	return errors.As(err, &bad) || errors.As(err, &protocol)
}

// takeSequence parses the section of kind 1 that src starts with and returns
// what follows it.
func takeSequence(m *Message, src []byte) ([]byte, error) {
	if len(src) < 4 {
		return nil, fmt.Errorf("%w: sequence cut short", ErrMalformed)
	}
	size := int64(int32(binary.LittleEndian.Uint32(src)))
	if size < 5 || size > int64(len(src)) {
		return nil, fmt.Errorf("%w: sequence of %d bytes", ErrMalformed, size)
	}
	docs, rest := src[4:size], src[size:]
	field, docs, ok := takeCString(docs)
	if !ok {
		return nil, fmt.Errorf("%w: sequence without a name", ErrMalformed)
	}
	sequence := Sequence{Field: field}
	var invalid error
	for _, other := range m.Sequences {
		if other.Field == field {
			invalid = &ProtocolError{40431, "Duplicate document sequence: " + field}
		}
	}
	for len(docs) > 0 {
		var doc bson.Raw
		var err error
		doc, docs, err = takeDocument(docs)
		var bad *DocumentError
		if errors.As(err, &bad) {
			invalid = err
		} else if err != nil {
			return nil, err
		}
		sequence.Documents = append(sequence.Documents, doc)
	}
	m.Sequences = append(m.Sequences, sequence)
	return rest, invalid
}

func decodeQuery(m *Message, src []byte) error {
	if len(src) < flagsSize {
		return fmt.Errorf("%w: no flags", ErrMalformed)
	}
	name, src, ok := takeCString(src[flagsSize:])
	if !ok || len(src) < 8 {
		return fmt.Errorf("%w: query cut short", ErrMalformed)
	}
	m.Collection = name
	var err error
	m.Body, _, err = takeDocument(src[8:])
	return err
}

// takeDocument splits the document off that src starts with.
func takeDocument(src []byte) (doc bson.Raw, rest []byte, err error) {
	if len(src) < 5 {
		return nil, nil, fmt.Errorf("%w: document cut short", ErrMalformed)
	}
	size := int64(int32(binary.LittleEndian.Uint32(src)))
	if size < 5 || size > int64(len(src)) || size > maxCommandSize {
		return nil, nil, fmt.Errorf("%w: document of %d bytes", ErrMalformed, size)
	}
	doc = bson.Raw(src[:size:size])
	return doc, src[size:], Validate(doc)
}

func takeCString(src []byte) (string, []byte, bool) {
	for i, c := range src {
		if c == 0 {
			return string(src[:i]), src[i+1:], true
		}
	}
	return "", nil, false
}
