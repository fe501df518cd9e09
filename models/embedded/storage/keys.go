package storage

import "encoding/binary"

// Every key starts with one byte that says what it is:
//
//	catalogKind 'c' collection id                      -> BSON: name, options, indexes
//	metaKind    'm' name                               -> format version, next id
//	recordKind  'r' collection id, record id           -> the document
//	entryKind   'x' index id, encoded values[, rec id] -> types[, record id if unique], see entries
//	statsKind   's' collection id                      -> number and bytes of the documents
//	viewKind    'v' database.name                      -> BSON: what the view shows
//
// Ids of collections and indexes are 4 bytes, record ids 8, all big-endian, so
// that records lie in the order of insertion.
const (
	catalogKind = 'c'
	metaKind    = 'm'
	recordKind  = 'r'
	statsKind   = 's'
	viewKind    = 'v'
	entryKind   = 'x'
)

// RecordID is the place of a document in its collection.
type RecordID uint64

const recordIDSize = 8

func appendPrefix(dst []byte, kind byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, kind), id)
}

func appendRecordKey(dst []byte, collection uint32, id RecordID) []byte {
	return binary.BigEndian.AppendUint64(appendPrefix(dst, recordKind, collection), uint64(id))
}

// recordIDAt reads the record id that b ends with.
func recordIDAt(b []byte) RecordID {
	return RecordID(binary.BigEndian.Uint64(b[len(b)-recordIDSize:]))
}

// successor gives the smallest key above every key that starts with prefix, or
// nil if there is none.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			next := append([]byte(nil), prefix[:i+1]...)
			next[i]++
			return next
		}
	}
	return nil
}
