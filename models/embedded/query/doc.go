// Package query parses and runs MongoDB's filters, sorts, projections and
// updates over raw BSON documents.
//
// Everything is parsed once and used many times. Documents and specifications
// are expected to be valid BSON of bounded depth, as the wire package checks.
package query
