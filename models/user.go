package models

import (
	"context"
	"regexp"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"parlor/helper"
)

// User is an account. Times are Unix milliseconds, 0 for never.
type User struct {
	Identity      string  `bson:"_id"`
	Account       string  `bson:"account"`
	AccountKey    string  `bson:"account_key"` // account without regard to case: unique, logged in by, searched
	Number        int64   `bson:"number"`
	Password      string  `bson:"password"` // argon2id PHC string
	Nickname      string  `bson:"nickname"`
	NicknameKey   string  `bson:"nickname_key"` // nickname without regard to case: searched
	NameTerms     []int32 `bson:"name_terms"`   // of both keys: a part of either is found by them
	Sex           int     `bson:"sex"`          // 0 unknown, 1 male, 2 female
	Email         string  `bson:"email"`
	EmailVerified bool    `bson:"email_verified"`
	Phone         string  `bson:"phone"`
	Avatar        string  `bson:"avatar"`
	AvatarAddress string  `bson:"avatar_address,omitempty"` // of an avatar that is kept elsewhere; instead of Avatar
	Description   string  `bson:"description"`
	Name          string  `bson:"name"`
	Birthday      string  `bson:"birthday"` // 2006-01-02
	Username      string  `bson:"username,omitempty"`
	IDCardNum     string  `bson:"id_card_num"`
	Province      string  `bson:"province"`
	City          string  `bson:"city"`
	CreatedAt     int64   `bson:"created_at"`
	UpdatedAt     int64   `bson:"updated_at"`
	LoginAt       int64   `bson:"login_at"`
	CancelledAt   int64   `bson:"cancelled_at"`
}

// UserChange names the fields to set; nil ones stay.
type UserChange struct {
	Account       *string `bson:"account,omitempty"`
	AccountKey    *string `bson:"account_key,omitempty"`
	Password      *string `bson:"password,omitempty"`
	Nickname      *string `bson:"nickname,omitempty"`
	NicknameKey   *string `bson:"nickname_key,omitempty"`
	Sex           *int    `bson:"sex,omitempty"`
	Phone         *string `bson:"phone,omitempty"`
	Avatar        *string `bson:"avatar,omitempty"`
	AvatarAddress *string `bson:"avatar_address,omitempty"`
	Description   *string `bson:"description,omitempty"`
	Name          *string `bson:"name,omitempty"`
	Birthday      *string `bson:"birthday,omitempty"`
	Username      *string `bson:"username,omitempty"`
	IDCardNum     *string `bson:"id_card_num,omitempty"`
	Province      *string `bson:"province,omitempty"`
	City          *string `bson:"city,omitempty"`
	Email         *string `bson:"email,omitempty"`
	EmailVerified *bool   `bson:"email_verified,omitempty"`
	LoginAt       *int64  `bson:"login_at,omitempty"`
	UpdatedAt     int64   `bson:"updated_at,omitempty"`
}

// Users is the collection `user`.
type Users struct{ c *mongo.Collection }

// Insert adds a user; ErrDuplicate where the account or the number is taken.
func (u Users) Insert(ctx context.Context, user *User) error {
	user.NameTerms = helper.NameTerms(user.AccountKey, user.NicknameKey)
	_, err := u.c.InsertOne(ctx, user)
	return wrap(err)
}

// Get returns one user.
func (u Users) Get(ctx context.Context, identity string) (User, error) {
	return findOne[User](ctx, u.c, bson.D{{Key: "_id", Value: identity}})
}

// GetMany returns those of the users that exist, in no order.
func (u Users) GetMany(ctx context.Context, identities []string) ([]User, error) {
	return findAll[User](ctx, u.c, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: identities}}}})
}

// ByAccount returns the user with this folded account.
func (u Users) ByAccount(ctx context.Context, key string) (User, error) {
	return findOne[User](ctx, u.c, bson.D{{Key: "account_key", Value: key}})
}

// ByNumber returns the user of a number.
func (u Users) ByNumber(ctx context.Context, number int64) (User, error) {
	return findOne[User](ctx, u.c, bson.D{{Key: "number", Value: number}})
}

// ByEmail returns the user who has verified this address.
func (u Users) ByEmail(ctx context.Context, email string) (User, error) {
	return findOne[User](ctx, u.c, bson.D{{Key: "email", Value: email}, {Key: "email_verified", Value: true}})
}

// Change sets fields and returns the user as he is afterwards; ErrDuplicate where an account or address is taken.
func (u Users) Change(ctx context.Context, identity string, change UserChange) (User, error) {
	update := bson.D{{Key: "$set", Value: change}}
	renamed := change.AccountKey != nil || change.NicknameKey != nil
	if renamed { // stopped before they are made anew, FillNameTerms finds him
		update = append(update, bson.E{Key: "$unset", Value: bson.D{{Key: "name_terms", Value: ""}}})
	}
	user, err := changeOne[User](ctx, u.c, bson.D{{Key: "_id", Value: identity}}, update)
	if err != nil || !renamed {
		return user, err
	}
	filter, update := setNameTerms(&user)
	_, err = u.c.UpdateOne(ctx, filter, update)
	return user, wrap(err)
}

// setNameTerms updates the terms of a user's names, unless he has got others meanwhile.
func setNameTerms(user *User) (filter, update bson.D) {
	filter = bson.D{{Key: "_id", Value: user.Identity}, {Key: "account_key", Value: user.AccountKey}, {Key: "nickname_key", Value: user.NicknameKey}}
	return filter, bson.D{{Key: "$set", Value: bson.D{{Key: "name_terms", Value: helper.NameTerms(user.AccountKey, user.NicknameKey)}}}}
}

// FillNameTerms makes the terms of some of the users who have none, after the identity `after`, in the order of their
// identities. It returns the last one's, empty where there is none.
func (u Users) FillNameTerms(ctx context.Context, after string) (string, error) {
	filter := bson.D{{Key: "name_terms", Value: nil}, {Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}
	users, err := findAll[User](ctx, u.c, filter, page(bson.D{{Key: "_id", Value: 1}}, 1000))
	if err != nil || len(users) == 0 {
		return "", err
	}
	writes := make([]mongo.WriteModel, len(users))
	for i := range users {
		filter, update := setNameTerms(&users[i])
		writes[i] = mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(update)
	}
	return users[len(users)-1].Identity, bulk(ctx, u.c, writes)
}

// Cancel marks an account as cancelled and empties what it said of a person. The account's name stays taken, so that
// nobody can pass for the author of old messages.
func (u Users) Cancel(ctx context.Context, identity string, at int64) error {
	empty := bson.D{{Key: "cancelled_at", Value: at}, {Key: "updated_at", Value: at}, {Key: "email_verified", Value: false}, {Key: "sex", Value: 0}}
	for _, field := range []string{"password", "email", "phone", "avatar", "avatar_address", "description", "name", "birthday", "username", "id_card_num", "province", "city", "nickname_key"} {
		empty = append(empty, bson.E{Key: field, Value: ""})
	}
	_, err := u.c.UpdateOne(ctx, bson.D{{Key: "_id", Value: identity}}, bson.D{{Key: "$set", Value: empty}})
	return wrap(err)
}

// lastRune follows every other in a string comparison, so that [prefix, prefix+lastRune) holds what begins with prefix.
const lastRune = "\U0010FFFF"

// ByAccountPrefix returns users whose folded account begins with prefix and comes after the account key `after`, in
// the order of their account keys.
func (u Users) ByAccountPrefix(ctx context.Context, prefix, after string, limit int) ([]User, error) {
	from := bson.E{Key: "$gte", Value: prefix}
	if after != "" {
		from = bson.E{Key: "$gt", Value: after}
	}
	filter := bson.D{
		{Key: "account_key", Value: bson.D{from, {Key: "$lt", Value: prefix + lastRune}}},
		{Key: "cancelled_at", Value: 0},
	}
	return findAll[User](ctx, u.c, filter, page(bson.D{{Key: "account_key", Value: 1}}, limit))
}

// ByNicknamePrefix returns users whose folded nickname begins with prefix, after the user who has this nickname key and
// identity, in the order of nickname key and identity. Those whose account begins with prefix as well are left out:
// ByAccountPrefix has them.
func (u Users) ByNicknamePrefix(ctx context.Context, prefix, afterKey, afterIdentity string, limit int) ([]User, error) {
	notByAccount := bson.D{{Key: "account_key", Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$gte", Value: prefix}, {Key: "$lt", Value: prefix + lastRune}}}}}}
	find := func(keys bson.D, extra ...bson.E) ([]User, error) {
		filter := bson.D{{Key: "nickname_key", Value: keys}, {Key: "cancelled_at", Value: 0}}
		filter = append(append(filter, notByAccount...), extra...)
		return findAll[User](ctx, u.c, filter, page(bson.D{{Key: "nickname_key", Value: 1}, {Key: "_id", Value: 1}}, limit))
	}
	if afterKey == "" {
		return find(bson.D{{Key: "$gte", Value: prefix}, {Key: "$lt", Value: prefix + lastRune}})
	}
	same, err := find(bson.D{{Key: "$eq", Value: afterKey}}, bson.E{Key: "_id", Value: bson.D{{Key: "$gt", Value: afterIdentity}}})
	if err != nil || len(same) == limit {
		return same, err
	}
	limit -= len(same)
	more, err := find(bson.D{{Key: "$gt", Value: afterKey}, {Key: "$lt", Value: prefix + lastRune}})
	return append(same, more...), err
}

// ByNamePart returns users in whose folded account or nickname part stands, after the identity `after`, in the order of
// their identities; all users where part is empty.
func (u Users) ByNamePart(ctx context.Context, part, after string, limit int) ([]User, error) {
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}, {Key: "cancelled_at", Value: 0}}
	if part != "" {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(part), "\x00", `\x00`) // a pattern in BSON ends with such a byte
		has := bson.D{{Key: "$regex", Value: pattern}}
		filter = append(filter,
			bson.E{Key: "name_terms", Value: bson.D{{Key: "$all", Value: helper.NamePartTerms(part)}}},
			// Two terms may be one, and in another order.
			bson.E{Key: "$or", Value: bson.A{bson.D{{Key: "account_key", Value: has}}, bson.D{{Key: "nickname_key", Value: has}}}},
		)
	}
	return findAll[User](ctx, u.c, filter, page(bson.D{{Key: "_id", Value: 1}}, limit))
}
