package service

import (
	"context"
	"errors"

	"parlor/define"
	"parlor/models"
)

func publicUser(u *models.User) User {
	return User{
		Identity: u.Identity, Number: u.Number, Account: u.Account, Nickname: u.Nickname, Sex: u.Sex,
		Avatar: u.Avatar, AvatarAddress: u.AvatarAddress, Description: u.Description, CreatedAt: u.CreatedAt, Cancelled: u.CancelledAt > 0,
	}
}

func ownUser(u *models.User) Me {
	return Me{
		User: publicUser(u), Email: u.Email, Phone: u.Phone, Name: u.Name, Birthday: u.Birthday, Username: u.Username, IDCardNum: u.IDCardNum,
		Province: u.Province, City: u.City, UpdatedAt: u.UpdatedAt, LoginAt: u.LoginAt,
	}
}

// notFound gives a missing document the name under which the caller asked for it.
func notFound(err, as error) error {
	if errors.Is(err, models.ErrNotFound) {
		return as
	}
	return err
}

func (c *core) loadUser(ctx context.Context, identity string) (User, error) {
	u, err := c.store.Users.Get(ctx, identity)
	if err != nil {
		return User{}, notFound(err, define.ErrUserNotFound)
	}
	return publicUser(&u), nil
}

// usersByID returns those of the users that exist. What the cache does not know is read with one query.
func (c *core) usersByID(ctx context.Context, identities []string) (map[string]User, error) {
	found := make(map[string]User, len(identities))
	var missing []string
	for _, identity := range identities {
		if _, ok := found[identity]; ok {
			continue
		}
		if u, ok := c.users.peek(identity); ok {
			found[identity] = u
		} else {
			missing = append(missing, identity)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	docs, err := c.store.Users.GetMany(ctx, missing)
	for i := range docs {
		found[docs[i].Identity] = publicUser(&docs[i])
	}
	return found, err
}

// livingUser returns a user who has not cancelled his account.
func (c *core) livingUser(ctx context.Context, identity string) (User, error) {
	u, err := c.users.get(ctx, identity)
	if err == nil && u.Cancelled {
		return User{}, define.ErrUserNotFound
	}
	return u, err
}
