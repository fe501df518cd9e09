package pipeline

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/query"
)

// Namespace names a collection. Without a Collection it stands for the database,
// as in {aggregate: 1}.
type Namespace struct{ DB, Collection string }

func (n Namespace) String() string {
	if n.Collection == "" {
		return n.DB + ".$cmd.aggregate"
	}
	return n.DB + "." + n.Collection
}

// Query is what a pipeline asks of a collection: the leading stages that an index
// can serve.
type Query struct {
	Filter *query.Filter
	// FilterDoc is what Filter was parsed from; nil where there is no $match.
	FilterDoc bson.Raw
	Sort      *query.Sort
	Skip      int64
	Limit     int64 // 0: none
	// Hint is an index name or key pattern; zero without.
	Hint bson.RawValue
	// Count says that the documents are only counted: any document may stand for them.
	Count bool
}

// Source gives documents one by one.
type Source interface {
	// Next gives the next document, valid until the next call; nil at the end.
	Next(ctx context.Context) (bson.Raw, error)
	// Exhausted reports whether it is known that nothing follows.
	Exhausted() bool
	Close() error
}

// Store is what stages need of the database.
type Store interface {
	// Resolve gives the collection that a namespace reads: itself, or what is below a
	// view, with the stages of the view.
	Resolve(ns Namespace) (on Namespace, stages []bson.Raw, err error)
	// Find starts a query. A collection that doesn't exist has no documents.
	Find(ns Namespace, q Query) (Source, error)
	// UniqueOn reports whether a unique index of the collection has exactly these
	// fields, and whether that index is sparse. _id has one even where there is no
	// collection yet.
	UniqueOn(ns Namespace, fields []string) (unique, sparse bool)
	// Merge makes changes in order and stops at the first that fails.
	Merge(ctx context.Context, ns Namespace, changes []Change) error
	// Replace starts a new content for a collection, which keeps its indexes.
	Replace(ctx context.Context, ns Namespace) (Replacement, error)
	// CollStats gives one document for $collStats with these options. It fails with
	// NamespaceNotFound where the collection doesn't exist.
	CollStats(ns Namespace, options CollStatsOptions) (bson.Raw, error)
	// IndexStats gives a document an index.
	IndexStats(ns Namespace) ([]bson.Raw, error)
	// CurrentOps gives a document for each operation that runs, and where asked for
	// one for each idle connection and each idle cursor.
	CurrentOps(idleConnections, idleCursors bool) ([]bson.Raw, error)
	// Sessions gives a document for each session that clients have used of late.
	Sessions() ([]bson.Raw, error)
}

// Change is a write of $merge.
type Change struct {
	// Filter finds the document to change; nil inserts without looking.
	Filter *query.Filter
	// Apply gives what the document becomes. old is nil where none matched. A nil
	// result leaves everything as it is.
	Apply func(old bson.Raw) (bson.Raw, error)
}

// Replacement is the new content of a collection, which nobody sees before Commit.
type Replacement interface {
	Insert(doc bson.Raw) error
	Commit() error
	// Abort drops what was inserted.
	Abort() error
}

// CollStatsOptions says what $collStats shows.
type CollStatsOptions struct {
	Count, Storage, Latency, QueryExec bool
	// Scale divides the sizes of Storage.
	Scale int64
}
