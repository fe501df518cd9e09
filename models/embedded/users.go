package embedded

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

// The one user there may be has every right, by mongod's role root.

func (r *request) roles() bson.A {
	return bson.A{bson.D{{Key: "role", Value: "root"}, {Key: "db", Value: authDB}}}
}

func runConnectionStatus(_ context.Context, r *request, out []byte) ([]byte, error) {
	users, roles, privileges := bson.A{}, bson.A{}, bson.A{}
	if r.s.auth.required() && r.conn.authenticated && r.conn.overTCP() {
		users = append(users, bson.D{{Key: "user", Value: r.s.auth.user}, {Key: "db", Value: authDB}})
		roles = r.roles()
		privileges = append(privileges, bson.D{
			{Key: "resource", Value: bson.D{{Key: "anyResource", Value: true}}}, {Key: "actions", Value: bson.A{"anyAction"}},
		})
	}
	info := bson.D{{Key: "authenticatedUsers", Value: users}, {Key: "authenticatedUserRoles", Value: roles}}
	var show bool
	for _, f := range r.fields {
		if f.name != "showPrivileges" {
			return nil, r.unknown(f)
		}
		if err := r.boolean(f, &show); err != nil {
			return nil, err
		}
	}
	if show {
		info = append(info, bson.E{Key: "authenticatedUserPrivileges", Value: privileges})
	}
	return appendFields(out, bson.D{{Key: "authInfo", Value: info}})
}

// runUsersInfo lists the user if the command asks for all, or names him.
func runUsersInfo(_ context.Context, r *request, out []byte) ([]byte, error) {
	for _, f := range r.fields {
		switch f.name {
		case "showCredentials", "showCustomData", "showPrivileges", "showAuthenticationRestrictions", "filter":
			if on, ok := asBool(f.v); !ok || on && f.name != "showCustomData" {
				return nil, mongoerr.NotImplemented.Errorf("usersInfo option '%s' is not supported", f.name)
			}
		default:
			return nil, r.unknown(f)
		}
	}
	users := bson.A{}
	if r.s.auth.required() && r.namesUser(r.arg) {
		users = append(users, bson.D{
			{Key: "_id", Value: authDB + "." + r.s.auth.user}, {Key: "user", Value: r.s.auth.user}, {Key: "db", Value: authDB},
			{Key: "roles", Value: r.roles()}, {Key: "mechanisms", Value: bson.A{mechanism}},
		})
	}
	return appendFields(out, bson.D{{Key: "users", Value: users}})
}

// namesUser reports whether v, the argument of usersInfo, means the user: 1 for
// all of the database, a name, {user, db}, {forAllDBs: true}, or a list of those.
func (r *request) namesUser(v bson.RawValue) bool {
	if list, ok := v.ArrayOK(); ok {
		values, err := list.Values()
		for _, one := range values {
			if err == nil && r.namesUser(one) {
				return true
			}
		}
		return false
	}
	if doc, ok := v.DocumentOK(); ok {
		if all, _ := asBool(doc.Lookup("forAllDBs")); all {
			return true
		}
		user, _ := doc.Lookup("user").StringValueOK()
		db, _ := doc.Lookup("db").StringValueOK()
		return user == r.s.auth.user && db == authDB
	}
	if user, ok := v.StringValueOK(); ok {
		return user == r.s.auth.user && r.db == authDB
	}
	return r.db == authDB
}

// runRolesInfo answers that no role was defined: mongod shows its own ones only
// where it is asked to.
func runRolesInfo(_ context.Context, r *request, out []byte) ([]byte, error) {
	for _, f := range r.fields {
		switch f.name {
		case "showBuiltinRoles", "showPrivileges", "showAuthenticationRestrictions":
			if on, ok := asBool(f.v); !ok || on {
				return nil, mongoerr.NotImplemented.Errorf("rolesInfo option '%s' is not supported", f.name)
			}
		default:
			return nil, r.unknown(f)
		}
	}
	return appendFields(out, bson.D{{Key: "roles", Value: bson.A{}}})
}
