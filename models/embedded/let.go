package embedded

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
)

// variables gives the variables that the expressions of a command see: the
// built-in ones and those of its let, which has been evaluated.
func (r *request) variables() (*expr.Variables, error) {
	vars := expr.NewVariables(r.s.clock.now())
	for _, f := range r.fields {
		if f.name != "let" {
			continue
		}
		var doc bson.Raw
		if err := r.document(f, &doc); err != nil {
			return nil, err
		}
		return vars.Let(doc)
	}
	return vars, nil
}
