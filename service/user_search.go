package service

import (
	"cmp"
	"context"
	"strings"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// searchCursor is where a search goes on: after an account key, or, in its second part, after a nickname.
type searchCursor struct {
	Account  string `json:"a,omitempty"`
	Nickname string `json:"n,omitempty"`
	Identity string `json:"i,omitempty"`
	Second   bool   `json:"s,omitempty"`
}

// Search lists users by the beginning of their account, then those by the beginning of their nickname.
func (s *Accounts) Search(ctx context.Context, c Caller, q string, p Page) (List[User], error) {
	prefix := helper.FoldAccount(strings.TrimSpace(q))
	if prefix == "" {
		return List[User]{}, define.Invalid("q", "is needed", "为必填字段")
	}
	var at searchCursor
	n, err := p.read(&at)
	if err != nil {
		return List[User]{}, err
	}
	var found []models.User
	if !at.Second {
		if found, err = s.store.Users.ByAccountPrefix(ctx, prefix, at.Account, n+1); err != nil {
			return List[User]{}, err
		}
	}
	byAccount := len(found)
	if byAccount <= n {
		more, err := s.store.Users.ByNicknamePrefix(ctx, prefix, at.Nickname, at.Identity, n+1-byAccount)
		if err != nil {
			return List[User]{}, err
		}
		found = append(found, more...)
	}
	return listOf(found, n, func(u *models.User) User { return publicUser(u) }, func(i int, u *models.User) any {
		if i < byAccount {
			return searchCursor{Account: u.AccountKey}
		}
		return searchCursor{Nickname: u.NicknameKey, Identity: u.Identity, Second: true}
	}), nil
}

// SearchPart lists users by a part of their account or nickname, the longest-registered first; all users where part is
// empty. The caller may be nobody, and is then known by his address. Refusals: ErrRateLimited.
func (s *Accounts) SearchPart(ctx context.Context, c Caller, part string, p Page) (List[User], error) {
	if err := limit(s.limits.search, cmp.Or(c.User, helper.AddressKey(c.IP))); err != nil {
		return List[User]{}, err
	}
	find := func(after string, limit int) ([]models.User, error) {
		return s.store.Users.ByNamePart(ctx, helper.FoldAccount(strings.TrimSpace(part)), after, limit)
	}
	return pageAfter(p, find, each(publicUser), func(d *models.User) string { return d.Identity })
}

// repairNames makes users findable by a part of their names who are not: those whom an older version has stored, and those
// whose change of name was interrupted.
func (c *core) repairNames(ctx context.Context) error {
	for last := ""; ; {
		var err error
		if last, err = c.store.Users.FillNameTerms(ctx, last); err != nil || last == "" {
			return err
		}
	}
}
