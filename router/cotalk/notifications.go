package cotalk

import (
	"slices"

	"parlor/define"
	"parlor/service"
)

// listNotices lists notifications, the oldest first: those from a moment on, or those that are not read.
func (f *Face) listNotices(r *request) (any, error) {
	number, in, err := r.about("user", errNoticesUserID)
	if err != nil {
		return nil, err
	}
	unread, err := in.optionalBoolean("only_unread", false)
	if err != nil {
		return nil, err
	}
	since, err := in.number("later_than", 0)
	if err != nil {
		return nil, err
	}
	caller, _, err := f.self(r, number)
	if err != nil {
		return nil, err
	}
	found, err := f.notices(r, caller, unread, since)
	if err != nil {
		return nil, err
	}
	return struct {
		success
		Notifications []noticeView `json:"notifications"`
	}{done, found}, nil
}

// notices reads from the newest on, and no further than it must.
func (f *Face) notices(r *request, caller service.Caller, unread bool, since float64) ([]noticeView, error) {
	found := []noticeView{}
	for page := (service.Page{Limit: define.PageMax}); ; {
		list, err := f.o.Notifications.List(r.ctx, caller, page)
		if err != nil {
			return nil, err
		}
		for _, n := range list.Items {
			if seconds(n.CreatedAt) < since {
				list.Next = ""
				break
			}
			view, ok, err := f.noticeViewOf(r, n)
			if err != nil {
				return nil, err
			}
			if ok && !(unread && n.IsRead) {
				found = append(found, view)
			}
		}
		if page.Cursor = list.Next; page.Cursor == "" {
			slices.Reverse(found)
			return found, nil
		}
	}
}

func (f *Face) noticeViewOf(r *request, n service.Notification) (view noticeView, ok bool, err error) {
	said, ok, err := f.noticeOf(r.ctx, n)
	if err != nil || !ok {
		return view, false, err
	}
	content, err := said.content()
	return noticeView{n.Identity, n.Sender.Number, content, seconds(n.CreatedAt), n.IsRead}, true, err
}

// ownNotice returns one of the caller's notifications. Another's is not there, whatever the original showed.
func (f *Face) ownNotice(r *request) (caller service.Caller, view noticeView, err error) {
	identity, err := r.pathNumber("notice", errNoticeID)
	if err != nil {
		return caller, view, err
	}
	if caller, _, err = f.ownerOr(r, errNoticeID, errUserUnknown); err != nil {
		return caller, view, err
	}
	n, err := f.o.Notifications.Get(r.ctx, caller, identity)
	if err != nil {
		return caller, view, words{define.ErrNotificationNotFound: errNotice}.in(err)
	}
	view, ok, err := f.noticeViewOf(r, n)
	if err == nil && !ok {
		err = errNotice
	}
	return caller, view, err
}

func (f *Face) notice(r *request) (any, error) {
	_, view, err := f.ownNotice(r)
	return struct {
		success
		noticeView
	}{done, view}, err
}

func (f *Face) readNotice(r *request) (any, error) {
	caller, view, err := f.ownNotice(r)
	if err != nil {
		return nil, err
	}
	return done, f.o.Notifications.Read(r.ctx, caller, service.NotificationsReadInput{Identities: []int64{view.NotificationID}})
}

func (f *Face) deleteNotice(r *request) (any, error) {
	caller, view, err := f.ownNotice(r)
	if err != nil {
		return nil, err
	}
	return done, words{define.ErrNotificationNotFound: errNotice}.in(f.o.Notifications.Delete(r.ctx, caller, view.NotificationID))
}
