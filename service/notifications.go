package service

import (
	"context"
	"slices"

	"parlor/define"
	"parlor/models"
	"parlor/service/hub"
)

// Notifications tells users what has happened to them while they were away.
type Notifications struct{ *core }

// List returns the caller's notifications, newest first.
func (s *Notifications) List(ctx context.Context, c Caller, p Page) (List[Notification], error) {
	find := func(before int64, limit int) ([]models.Notification, error) {
		return s.store.Notifications.Page(ctx, c.User, before, limit)
	}
	show := withUsers(ctx, s.core, func(d *models.Notification) string { return d.Sender }, notificationView)
	return pageAfter(p, find, show, func(d *models.Notification) int64 { return d.Identity })
}

// Get returns one of the caller's notifications; ErrNotificationNotFound where it is not his.
func (s *Notifications) Get(ctx context.Context, c Caller, identity int64) (Notification, error) {
	doc, err := s.store.Notifications.Get(ctx, c.User, identity)
	if err != nil {
		return Notification{}, notFound(err, define.ErrNotificationNotFound)
	}
	sender, err := s.users.get(ctx, doc.Sender)
	return notificationView(&doc, sender), err
}

// Delete takes one of the caller's notifications away; ErrNotificationNotFound where it is not his.
func (s *Notifications) Delete(ctx context.Context, c Caller, identity int64) error {
	deleted, err := s.store.Notifications.Delete(ctx, c.User, identity)
	if err == nil && !deleted {
		return define.ErrNotificationNotFound
	}
	return err
}

func notificationView(d *models.Notification, sender User) Notification {
	return Notification{
		Identity: d.Identity, Sender: sender, Kind: d.Kind, Content: NotificationContent(d.Content), IsRead: d.IsRead, CreatedAt: d.CreatedAt,
	}
}

// Read marks notifications of the caller as read, and tells his other devices.
func (s *Notifications) Read(ctx context.Context, c Caller, in NotificationsReadInput) error {
	if err := check(in); err != nil {
		return err
	}
	if in.All == (len(in.Identities) > 0) {
		return define.Invalid("identities", "or all is needed, and not both", "identities 与 all 须且只能提供一个")
	}
	read := NotificationsReadEvent{Identities: []int64{}, All: true}
	if in.All {
		in.Identities = nil // which is all of them
	} else {
		read = NotificationsReadEvent{Identities: in.Identities}
	}
	if err := s.store.Notifications.Read(ctx, c.User, in.Identities); err != nil {
		return err
	}
	event := hub.Event{Op: define.EventNotificationRead, Data: read}
	s.hub.Publish(hub.Delivery{Event: event, Users: []string{c.User}, Except: c.Conn})
	return nil
}

// notify stores a notification for each of the receivers but its sender, and pushes it to those who are here.
func (c *core) notify(ctx context.Context, kind, sender string, content models.NotificationContent, receivers ...string) error {
	receivers = slices.DeleteFunc(slices.Clone(receivers), func(user string) bool { return user == sender })
	if len(receivers) == 0 {
		return nil
	}
	first, err := c.store.Counters.Take(ctx, models.CounterNotification, int64(len(receivers)))
	if err != nil {
		return err
	}
	who, err := c.users.get(ctx, sender)
	if err != nil {
		return err
	}
	docs := make([]models.Notification, len(receivers))
	deliveries := make([]hub.Delivery, len(receivers))
	at := now()
	for i, receiver := range receivers {
		docs[i] = models.Notification{Identity: first + int64(i), Receiver: receiver, Sender: sender, Kind: kind, Content: content, CreatedAt: at}
		event := hub.Event{Op: define.EventNotificationNew, Data: notificationView(&docs[i], who)}
		deliveries[i] = hub.Delivery{Event: event, Users: []string{receiver}}
	}
	if err := c.store.Notifications.InsertMany(ctx, docs); err != nil {
		return err
	}
	c.hub.Publish(deliveries...)
	return nil
}
