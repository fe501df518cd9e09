// Package expr parses and evaluates MongoDB's aggregation expressions over raw
// BSON documents.
//
// An expression is parsed once and evaluated many times. Specifications and
// documents are expected to be valid BSON of bounded depth, as the wire package
// checks. Errors are mongod's, with its codes and texts.
package expr

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Expression is a parsed expression. It is immutable and safe for concurrent use.
type Expression struct {
	root   node
	locals int
	reads  bool
}

// Parse parses v with the variables that it may use; nil stands for
// NewVariables of the current time. The expression keeps no memory of v.
func Parse(v bson.RawValue, vars *Variables) (*Expression, error) {
	if vars == nil {
		vars = NewVariables(time.Now())
	}
	p := &parser{vars: vars, operators: operators}
	root, err := p.operand(v)
	if err != nil {
		return nil, err
	}
	return &Expression{root: root, locals: p.locals, reads: p.reads}, nil
}

// Eval computes the expression with doc as $$ROOT. The zero RawValue stands for
// a missing value. The result may refer to doc's memory.
func (e *Expression) Eval(doc bson.Raw) (bson.RawValue, error) {
	s := scope{root: doc}
	if e.locals > 0 {
		s.locals = make([]bson.RawValue, e.locals)
	}
	return e.root.eval(&s)
}

// Constant gives the value of an expression that is one: a literal, or a
// variable whose value was known when it was parsed. A constant missing value,
// as of $$REMOVE, is the zero RawValue.
func (e *Expression) Constant() (bson.RawValue, bool) { return constantOf(e.root) }

// FieldPath gives the dotted path of an expression that only reads a field of
// the document, such as "$a.b".
func (e *Expression) FieldPath() (path string, ok bool) {
	if f, isField := e.root.(*fieldPath); isField {
		return f.String(), true
	}
	return "", false
}

// ReadsDocument reports whether the expression refers to the document at all.
func (e *Expression) ReadsDocument() bool { return e.reads }
