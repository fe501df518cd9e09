package classic

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/middleware"
	"parlor/router/plaintext"
	"parlor/service"
)

// message is a message of the history. Its names in JSON are those of Go, as in the original; times are Unix seconds.
type message struct {
	Identity     string
	UserIdentity string
	RoomIdentity string
	Data         string
	CreatedAt    int64
	UpdatedAt    int64
}

func messageView(m *service.Message) message {
	return message{
		Identity: strconv.FormatInt(m.Identity, 10), UserIdentity: m.Sender.Identity, RoomIdentity: m.RoomIdentity, Data: plaintext.Message(*m, nil),
		CreatedAt: m.CreatedAt / 1000, UpdatedAt: m.UpdatedAt / 1000,
	}
}

// pageMax is the size of the largest page, and of one for which no size was asked.
const pageMax = 100

// history answers a page of a room, newest first: null where it is empty, as in the original.
func (f *Face) history(c *gin.Context) error {
	room := c.Query("room_identity")
	if room == "" {
		c.PureJSON(http.StatusOK, failure{Status: "error", Message: "房间号不能为空"})
		return nil
	}
	part, err := partOf(c)
	if err != nil {
		return err
	}
	found, _, err := f.o.Messages.Latest(middleware.ContextOf(c), middleware.CallerOf(c), room, part)
	if err != nil {
		return err
	}
	var messages []message
	for i := range found {
		messages = append(messages, messageView(&found[i]))
	}
	return write(c, messages)
}

// partOf reads page_index, which begins at 1, and page_size. What is missing, or no number, has its default.
func partOf(c *gin.Context) (service.Part, error) {
	index, size := int64(1), int64(pageMax)
	for name, number := range map[string]*int64{"page_index": &index, "page_size": &size} {
		if n, err := strconv.ParseInt(c.Query(name), 10, 32); err == nil && n != 0 {
			*number = n
		}
		if *number < 1 {
			return service.Part{}, define.Invalid(name, "must be 1 or more", "必须不小于 1")
		}
	}
	size = min(size, pageMax)
	return service.Part{Skip: (index - 1) * size, Limit: int(size)}, nil
}
