package service

import (
	"context"
	"errors"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
	"parlor/service/hub"
)

// Announcements lists what was announced in a group, newest first.
func (s *Rooms) Announcements(ctx context.Context, c Caller, room string, p Page) (List[Announcement], error) {
	if _, err := s.groupOf(ctx, c.User, room); err != nil {
		return List[Announcement]{}, err
	}
	if _, err := s.readerOf(ctx, c, room); err != nil {
		return List[Announcement]{}, err
	}
	find := func(before string, limit int) ([]models.Announcement, error) {
		return s.store.Announcements.Page(ctx, room, before, limit)
	}
	show := withUsers(ctx, s.core, func(d *models.Announcement) string { return d.UserIdentity }, announcementView)
	return pageAfter(p, find, show, func(d *models.Announcement) string { return d.Identity })
}

func announcementView(d *models.Announcement, sender User) Announcement {
	return Announcement{
		Identity: d.Identity, RoomIdentity: d.RoomIdentity, Sender: sender, MessageIdentity: d.MessageIdentity, Content: d.Content, CreatedAt: d.CreatedAt,
	}
}

// Announce publishes something to a group; it stands in the room too, as a message of type `notice`. Stopped between the
// two, only the message is there, until it is announced again under its ClientID. Where the ClientID was used before, it
// returns the announcement made then. Refusals: ErrPrivateRoom, ErrAdminOnly, ErrSilenced, ErrRateLimited; ErrRecalled
// and ErrInvalid for a ClientID whose message was recalled or is none of these.
func (s *Rooms) Announce(ctx context.Context, c Caller, room string, in AnnouncementInput) (Announcement, error) {
	if err := check(in); err != nil {
		return Announcement{}, err
	}
	if err := limit(s.limits.send, c.User); err != nil {
		return Announcement{}, err
	}
	state, err := s.leaderOf(ctx, c.User, room)
	if err != nil {
		return Announcement{}, err
	}
	if _, err := s.writerOf(ctx, c.User, room); err != nil {
		return Announcement{}, err
	}
	sender, err := s.users.get(ctx, c.User)
	if err != nil {
		return Announcement{}, err
	}
	if in.ClientID != "" {
		defer s.locks.lock("announce " + room + " " + c.User)()
		if before, err := s.announced(ctx, c, room, in.ClientID); err != nil || before.Identity != "" {
			return announcementView(&before, sender), err
		}
	}
	notice, err := s.post(ctx, &models.Message{
		RoomIdentity: room, UserIdentity: c.User, Type: define.MessageNotice, Data: in.Content, ClientID: in.ClientID,
	})
	if err != nil {
		return Announcement{}, err
	}
	d := announcementOf(notice)
	if err := s.store.Announcements.Insert(ctx, &d); err != nil {
		return Announcement{}, err
	}
	view := announcementView(&d, sender)
	event := hub.Event{Op: define.EventAnnouncementNew, Data: view}
	s.hub.Publish(hub.Delivery{Event: event, Users: state.ids, Only: state.mayHear})
	content := models.NotificationContent{Room: room, Message: notice.Identity, Announcement: d.Identity}
	return view, s.notify(ctx, define.NotifyAnnouncement, c.User, content, state.ids...)
}

func announcementOf(notice *models.Message) models.Announcement {
	return models.Announcement{
		Identity: helper.NewIdentity(), RoomIdentity: notice.RoomIdentity, UserIdentity: notice.UserIdentity, MessageIdentity: notice.Identity,
		Content: notice.Data, CreatedAt: notice.CreatedAt,
	}
}

// announced returns what the caller has announced under a ClientID before, one without an identity where there is none.
func (s *Rooms) announced(ctx context.Context, c Caller, room, clientID string) (models.Announcement, error) {
	notice, err := s.store.Messages.ByClientID(ctx, room, c.User, clientID)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return models.Announcement{}, nil
	case err != nil:
		return models.Announcement{}, err
	case notice.RecalledAt > 0:
		return models.Announcement{}, define.ErrRecalled
	case notice.Type != define.MessageNotice:
		return models.Announcement{}, define.Invalid("client_id", "was used for another message", "已用于其他消息")
	}
	d, err := s.store.Announcements.ByMessage(ctx, notice.Identity)
	if errors.Is(err, models.ErrNotFound) { // stopped before it was stored
		d = announcementOf(&notice)
		err = s.store.Announcements.Insert(ctx, &d)
	}
	return d, err
}

// Unannounce takes an announcement away, and what was said out of its message. Refusals: ErrAnnouncementNotFound,
// ErrPrivateRoom, ErrAdminOnly.
func (s *Rooms) Unannounce(ctx context.Context, c Caller, room, identity string) error {
	if _, err := s.leaderOf(ctx, c.User, room); err != nil {
		return err
	}
	d, err := s.store.Announcements.Get(ctx, identity)
	if err != nil {
		return notFound(err, define.ErrAnnouncementNotFound)
	}
	if d.RoomIdentity != room {
		return define.ErrAnnouncementNotFound
	}
	defer s.lockMessage(d.MessageIdentity)()
	notice, err := s.store.Messages.Get(ctx, d.MessageIdentity)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	if err == nil && notice.RecalledAt == 0 {
		_, err = s.recall(ctx, c, &notice)
		return err
	}
	_, err = s.store.Announcements.Delete(ctx, identity)
	return err
}
