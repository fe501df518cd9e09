package expr

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

func and(args []node) node { return allAre(args, true) }

func or(args []node) node {
	none := allAre(args, false)
	return nodeFunc(func(s *scope) (bson.RawValue, error) {
		v, err := none.eval(s)
		return boolValue(!value.Truthy(v)), err
	})
}

// allAre evaluates the arguments until one does not count as want.
func allAre(args []node, want bool) node {
	return nodeFunc(func(s *scope) (bson.RawValue, error) {
		for _, arg := range args {
			v, err := arg.eval(s)
			if err != nil {
				return v, err
			}
			if value.Truthy(v) != want {
				return boolValue(false), nil
			}
		}
		return boolValue(true), nil
	})
}

func not(_ string, args []bson.RawValue) (bson.RawValue, error) {
	return boolValue(!value.Truthy(args[0])), nil
}
