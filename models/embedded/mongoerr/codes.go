package mongoerr

import (
	"fmt"
	"strconv"
)

// Code is one of mongod's error codes (src/mongo/base/error_codes.yml).
type Code int32

// The named codes that a standalone server answers with.
const (
	InternalError                      Code = 1
	BadValue                           Code = 2
	NoSuchKey                          Code = 4
	GraphContainsCycle                 Code = 5
	UnknownError                       Code = 8
	FailedToParse                      Code = 9
	UserNotFound                       Code = 11
	Unauthorized                       Code = 13
	TypeMismatch                       Code = 14
	Overflow                           Code = 15
	InvalidLength                      Code = 16
	ProtocolError                      Code = 17
	AuthenticationFailed               Code = 18
	IllegalOperation                   Code = 20
	InvalidBSON                        Code = 22
	NamespaceNotFound                  Code = 26
	IndexNotFound                      Code = 27
	PathNotViable                      Code = 28
	ConflictingUpdateOperators         Code = 40
	CursorNotFound                     Code = 43
	NamespaceExists                    Code = 48
	MaxTimeMSExpired                   Code = 50
	DollarPrefixedFieldName            Code = 52
	InvalidIdField                     Code = 53
	NotSingleValueField                Code = 54
	InvalidDBRef                       Code = 55
	EmptyFieldName                     Code = 56
	CommandNotFound                    Code = 59
	ImmutableField                     Code = 66
	CannotCreateIndex                  Code = 67
	IndexAlreadyExists                 Code = 68
	InvalidOptions                     Code = 72
	InvalidNamespace                   Code = 73
	NoReplicationEnabled               Code = 76
	UnknownReplWriteConcern            Code = 79
	IndexOptionsConflict               Code = 85
	IndexKeySpecsConflict              Code = 86
	ShutdownInProgress                 Code = 91
	OperationFailed                    Code = 96
	NotExactValueField                 Code = 111
	WriteConflict                      Code = 112
	CommandNotSupported                Code = 115
	DocumentValidationFailure          Code = 121
	CappedPositionLost                 Code = 136
	NotAReplicaSet                     Code = 123
	ExceededMemoryLimit                Code = 146
	ViewDepthLimitExceeded             Code = 165
	CommandNotSupportedOnView          Code = 166
	OptionNotSupportedOnView           Code = 167
	InvalidPipelineOperator            Code = 168
	CannotIndexParallelArrays          Code = 171
	QueryPlanKilled                    Code = 175
	InvalidIndexSpecificationOption    Code = 197
	InvalidUUID                        Code = 207
	QueryFeatureNotAllowed             Code = 224
	CursorKilled                       Code = 237
	NotImplemented                     Code = 238
	NoSuchTransaction                  Code = 251
	OperationNotSupportedInTransaction Code = 263
	ClientDisconnect                   Code = 279
	APIVersionError                    Code = 322
	APIStrictError                     Code = 323
	MechanismUnavailable               Code = 334
	BSONObjectTooLarge                 Code = 10334
	DuplicateKey                       Code = 11000
	InterruptedAtShutdown              Code = 11600
	Interrupted                        Code = 11601
	CursorInUse                        Code = 12051
)

// UnrecognizedPipelineStage, MissingCommandField and UnknownCommandField are
// assertions that mongod 7.0 has no names for.
const (
	UnrecognizedPipelineStage Code = 40324
	MissingCommandField       Code = 40414
	UnknownCommandField       Code = 40415
)

var names = map[Code]string{
	InternalError:                      "InternalError",
	BadValue:                           "BadValue",
	NoSuchKey:                          "NoSuchKey",
	GraphContainsCycle:                 "GraphContainsCycle",
	UnknownError:                       "UnknownError",
	FailedToParse:                      "FailedToParse",
	UserNotFound:                       "UserNotFound",
	Unauthorized:                       "Unauthorized",
	TypeMismatch:                       "TypeMismatch",
	Overflow:                           "Overflow",
	InvalidLength:                      "InvalidLength",
	ProtocolError:                      "ProtocolError",
	AuthenticationFailed:               "AuthenticationFailed",
	IllegalOperation:                   "IllegalOperation",
	InvalidBSON:                        "InvalidBSON",
	NamespaceNotFound:                  "NamespaceNotFound",
	IndexNotFound:                      "IndexNotFound",
	PathNotViable:                      "PathNotViable",
	ConflictingUpdateOperators:         "ConflictingUpdateOperators",
	CursorNotFound:                     "CursorNotFound",
	NamespaceExists:                    "NamespaceExists",
	MaxTimeMSExpired:                   "MaxTimeMSExpired",
	DollarPrefixedFieldName:            "DollarPrefixedFieldName",
	InvalidIdField:                     "InvalidIdField",
	NotSingleValueField:                "NotSingleValueField",
	InvalidDBRef:                       "InvalidDBRef",
	EmptyFieldName:                     "EmptyFieldName",
	CommandNotFound:                    "CommandNotFound",
	ImmutableField:                     "ImmutableField",
	CannotCreateIndex:                  "CannotCreateIndex",
	IndexAlreadyExists:                 "IndexAlreadyExists",
	InvalidOptions:                     "InvalidOptions",
	InvalidNamespace:                   "InvalidNamespace",
	NoReplicationEnabled:               "NoReplicationEnabled",
	UnknownReplWriteConcern:            "UnknownReplWriteConcern",
	IndexOptionsConflict:               "IndexOptionsConflict",
	IndexKeySpecsConflict:              "IndexKeySpecsConflict",
	ShutdownInProgress:                 "ShutdownInProgress",
	OperationFailed:                    "OperationFailed",
	NotExactValueField:                 "NotExactValueField",
	WriteConflict:                      "WriteConflict",
	CommandNotSupported:                "CommandNotSupported",
	DocumentValidationFailure:          "DocumentValidationFailure",
	CappedPositionLost:                 "CappedPositionLost",
	NotAReplicaSet:                     "NotAReplicaSet",
	ExceededMemoryLimit:                "ExceededMemoryLimit",
	ViewDepthLimitExceeded:             "ViewDepthLimitExceeded",
	CommandNotSupportedOnView:          "CommandNotSupportedOnView",
	OptionNotSupportedOnView:           "OptionNotSupportedOnView",
	InvalidPipelineOperator:            "InvalidPipelineOperator",
	CannotIndexParallelArrays:          "CannotIndexParallelArrays",
	QueryPlanKilled:                    "QueryPlanKilled",
	InvalidIndexSpecificationOption:    "InvalidIndexSpecificationOption",
	InvalidUUID:                        "InvalidUUID",
	QueryFeatureNotAllowed:             "QueryFeatureNotAllowed",
	CursorKilled:                       "CursorKilled",
	NotImplemented:                     "NotImplemented",
	NoSuchTransaction:                  "NoSuchTransaction",
	OperationNotSupportedInTransaction: "OperationNotSupportedInTransaction",
	ClientDisconnect:                   "ClientDisconnect",
	APIVersionError:                    "APIVersionError",
	APIStrictError:                     "APIStrictError",
	MechanismUnavailable:               "MechanismUnavailable",
	BSONObjectTooLarge:                 "BSONObjectTooLarge",
	DuplicateKey:                       "DuplicateKey",
	InterruptedAtShutdown:              "InterruptedAtShutdown",
	Interrupted:                        "Interrupted",
	CursorInUse:                        "CursorInUse",
}

// String gives the codeName field of mongod's answer: the name of the code, or
// "Location<code>" for an assertion without a name.
func (c Code) String() string {
	if name, ok := names[c]; ok {
		return name
	}
	return "Location" + strconv.Itoa(int(c))
}

// Errorf builds an error with this code; it never wraps.
func (c Code) Errorf(format string, args ...any) *Error {
	return &Error{Code: int32(c), Name: c.String(), Message: fmt.Sprintf(format, args...)}
}
